package cachehttp_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/cache/cachehttp"
	"github.com/freshet-go/freshet/cache/cachetest"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
	"github.com/stretchr/testify/require"
)

var bg = context.Background()

func newStats(t *testing.T, o cachehttp.Options) *cachehttp.Stats {
	t.Helper()
	s, err := cachehttp.New(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func newCache(t *testing.T, db *cachetest.Source[string, string], o cache.Options) *cache.Cached[string, string] {
	t.Helper()
	if o.TTL.IsZero() {
		o.TTL = ttl.Fixed(time.Hour)
	}
	c, err := cache.New(db.Load, o)
	require.NoError(t, err)
	return c
}

func TestStatsShowsWhatHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := cachetest.NewRedis(t)
		one, two := r.Node(t), r.Node(t)
		db := cachetest.NewSource(map[string]string{"a": "1"})
		stats := newStats(t, cachehttp.Options{Store: two.Store, ShowKeys: true, Every: time.Second, History: 5 * time.Second})
		first := newCache(t, db, cache.Options{Store: one.Store, Name: "rows"})
		rows := newCache(t, db, cache.Options{Store: two.Store, Name: "rows", Observer: stats.Observer()})
		newCache(t, db, cache.Options{Store: two.Store, Name: "another"})

		db.Slow(100 * time.Millisecond)
		_, err := first.Get(bg, "a")
		require.NoError(t, err)
		cachetest.Pass(time.Second)
		for range 100 * cache.SampleEvery {
			_, _ = rows.Get(bg, "a") // Redis once, then memory
		}
		_, _ = rows.Get(bg, "b") // absent
		db.Fail(errors.New("down"))
		_, _ = rows.Get(bg, "c")

		s := stats.Snapshot()
		require.Len(t, s.Caches, 2)
		require.Equal(t, "another", s.Caches[0].Name)
		require.Nil(t, s.Caches[0].Latency.Load)
		c := s.Caches[1]
		require.EqualValues(t, 100*cache.SampleEvery+2, c.Requests)
		require.EqualValues(t, 1, c.RedisHits)
		require.EqualValues(t, 1, c.Loads)
		require.EqualValues(t, 1, c.Errors)
		require.EqualValues(t, 1, c.Loader.Errors)
		require.EqualValues(t, 2, c.Latency.Load.Count)
		require.InDelta(t, 112, c.Latency.Load.P50, 13)
		require.EqualValues(t, 1, c.Latency.RedisHit.Count)
		require.Equal(t, "rows:a", c.HotKeys[0].Key)
		require.InDelta(t, 1, c.HotKeys[0].Share, 0.1)
		require.True(t, s.Store.Shared)
		require.True(t, s.Store.Link.Up)
		require.Equal(t, "closed", s.Store.Breaker)
		require.Positive(t, s.Store.Memory.Used)
		require.EqualValues(t, 1<<20, s.Store.Memory.Limit)

		require.EqualValues(t, 3, c.Misses.Memory)
		require.EqualValues(t, 2, c.Misses.Redis)
		cachetest.Pass(time.Second)
		history := func(name string) cachehttp.Sample {
			var s cachehttp.Snapshot
			require.NoError(t, json.Unmarshal(ask(stats, "GET", "/?cache="+name, "").Body.Bytes(), &s))
			require.Equal(t, name, s.History.Cache)
			return s.History.Samples[len(s.History.Samples)-1]
		}
		for _, name := range []string{"", "rows"} {
			last := history(name)
			require.EqualValues(t, 1, last.RedisHits, name)
			require.EqualValues(t, 1, last.Errors, name)
			require.InDelta(t, 112, last.LoadP99, 13, name)
			require.Less(t, last.RedisP99, last.LoadP99, name)
		}
		require.Zero(t, history("another").Measures)
		require.True(t, history("another").Link)
		require.Zero(t, history("nowhere").Measures)

		two.Down()
		require.ErrorIs(t, rows.Invalidate(bg, "a"), tiered.ErrDeferred)
		cachetest.Pass(time.Minute)
		s = stats.Snapshot()
		require.False(t, s.Store.Link.Up)
		require.Equal(t, 1, s.Store.Invalidations.Journal)
		require.Len(t, s.History.Samples, 5)
		require.EqualValues(t, 1000, s.History.EveryMS)
		for i, sample := range s.History.Samples {
			require.False(t, sample.Link)
			require.True(t, sample.Fallback)
			require.Equal(t, 1, sample.Journal)
			if i > 0 {
				require.EqualValues(t, 1000, sample.Time-s.History.Samples[i-1].Time)
			}
		}
		cachetest.Pass(2 * time.Minute)
		require.Nil(t, stats.Snapshot().Caches[1].Latency.Load, "of the last two minutes")
	})
}

func TestHottestKeys(t *testing.T) {
	store := cachetest.Store(t)
	stats, blind := newStats(t, cachehttp.Options{Store: store, ShowKeys: true}), newStats(t, cachehttp.Options{Store: store})
	long := strings.Repeat("k", 500)
	db := cachetest.NewSource(map[string]string{long: "1"})
	c := newCache(t, db, cache.Options{Store: store, Name: "rows"}) // nobody observes it
	off := newCache(t, db, cache.Options{Store: store, Name: "unknown", HotKeys: -1})
	for i := range 200 * cache.SampleEvery {
		_, _ = c.Get(bg, []string{long, "a", "b", long}[i%4]) // in a rhythm
		_, _ = off.Get(bg, "a")
	}
	keys := stats.Snapshot().Caches[0].HotKeys
	require.Len(t, keys, 3)
	require.Equal(t, "rows:"+long[:195]+"…", keys[0].Key)
	require.InDelta(t, 0.5, keys[0].Share, 0.2)
	require.ElementsMatch(t, []string{"rows:a", "rows:b"}, []string{keys[1].Key, keys[2].Key})
	require.InDelta(t, 0.25, keys[1].Share, 0.15)
	require.Empty(t, stats.Snapshot().Caches[1].HotKeys)
	require.Empty(t, blind.Snapshot().Caches[0].HotKeys, "not asked for")
}

func TestOptionsFaults(t *testing.T) {
	_, err := cachehttp.New(cachehttp.Options{Every: -1, History: -1})
	require.EqualError(t, err, "cachehttp: Options.Store is nil: there is nothing to show\n"+
		"cachehttp: Options.Every is -1ns: must not be negative (0 means 2s)\n"+
		"cachehttp: Options.History is -1ns: must not be negative (0 means 10m0s)")
	_, err = cachehttp.New(cachehttp.Options{Store: cachetest.Store(t), Every: time.Nanosecond})
	require.ErrorContains(t, err, "History is 10m0s: 600000000000 times Every, at most 5000")
}

const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

func ask(h http.Handler, method, url, accept string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, url, nil)
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestNegotiation(t *testing.T) {
	stats := newStats(t, cachehttp.Options{Store: cachetest.Store(t)})
	const page, data = "text/html; charset=utf-8", "application/json"
	for _, c := range []struct{ url, accept, want string }{
		{"/cache/stats", browser, page},
		{"/cache/stats", "application/json", data},
		{"/cache/stats", "application/json, text/html;q=0.5", data},
		{"/cache/stats", "text/html;q=0, */*", data},
		{"/cache/stats", "text/html;q=x, ;;", data},
		{"/cache/stats", "*/*", data},
		{"/cache/stats", "", data},
		{"/?format=json", browser, data},
		{"/?format=html", "", page},
		{"/?file=stats.js", "*/*", "text/javascript; charset=utf-8"},
		{"/?file=stats.css", "text/css", "text/css; charset=utf-8"},
	} {
		w := ask(stats, "GET", c.url, c.accept)
		require.Equal(t, 200, w.Code, c)
		require.Equal(t, c.want, w.Header().Get("Content-Type"), c)
		require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"), c)
		require.NotEmpty(t, w.Header().Get("Cache-Control"), c)
		require.Equal(t, "Accept", w.Header().Get("Vary"), c)
	}
	for _, url := range []string{"/?file=../serve.go", "/?file=index.html", "/?file=x", "/?format=xml"} {
		require.Equal(t, 404, ask(stats, "GET", url, browser).Code, url)
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS"} {
		w := ask(stats, method, "/", browser)
		require.Equal(t, 405, w.Code)
		require.Equal(t, "GET, HEAD", w.Header().Get("Allow"))
	}
	require.Equal(t, 200, ask(stats, "HEAD", "/", browser).Code)
}

// paths lists the fields of a JSON value, those of the elements of lists once.
func paths(v any, at string, into map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			paths(x, strings.TrimPrefix(at+"."+k, "."), into)
		}
	case []any:
		for _, x := range v {
			paths(x, at+"[]", into)
		}
	default:
		into[at] = true
	}
}

// Machines rely on these names.
func TestShapeOfTheJSON(t *testing.T) {
	store := cachetest.Store(t)
	stats := newStats(t, cachehttp.Options{Store: store, ShowKeys: true})
	c := newCache(t, cachetest.NewSource(map[string]string{"a": "1"}), cache.Options{Store: store, Name: "rows", Observer: stats.Observer()})
	for range 20 * cache.SampleEvery {
		_, _ = c.Get(bg, "a")
	}
	var v any
	require.NoError(t, json.Unmarshal(ask(stats, "GET", "/", "").Body.Bytes(), &v))
	got := map[string]bool{}
	paths(v, "", got)
	require.Equal(t, strings.Fields(`
		caches[].errors caches[].hot_keys[].key caches[].hot_keys[].share
		caches[].joined caches[].latency.load.count caches[].latency.load.p50_ms caches[].latency.load.p99_ms
		caches[].latency.redis_hit caches[].loader.calls caches[].loader.errors caches[].loader.keys caches[].loader.late
		caches[].loader.refreshes caches[].loads caches[].memory_hits caches[].misses.memory caches[].misses.redis caches[].name caches[].negative caches[].redis_hits
		caches[].requests caches[].stale caches[].waits
		history.cache history.every_ms history.samples[].breaker history.samples[].errors history.samples[].fallback
		history.samples[].joined history.samples[].journal history.samples[].link
		history.samples[].load_p50_ms history.samples[].load_p99_ms history.samples[].loads
		history.samples[].memory_hits history.samples[].memory_used history.samples[].negative
		history.samples[].redis_hit_p50_ms history.samples[].redis_hit_p99_ms
		history.samples[].redis_hits history.samples[].stale history.samples[].t
		store.breaker store.fallback store.fills.dropped_late store.fills.oversized store.fills.refused_late
		store.fills.unencodable store.fills.written store.invalidations.deferred store.invalidations.epoch
		store.invalidations.holds_failed store.invalidations.journal store.invalidations.overflows
		store.invalidations.prefixes store.invalidations.replayed store.link.gaps store.link.heard store.link.outages
		store.link.up store.memory.limit store.memory.used store.namespace store.redis.corrupt store.redis.errors
		store.shared time`), slices.Sorted(maps.Keys(got)))
}

func TestThePageIsStrict(t *testing.T) {
	stats := newStats(t, cachehttp.Options{Store: cachetest.Store(t)})
	w := ask(stats, "GET", "/", browser)
	csp := w.Header().Get("Content-Security-Policy")
	require.Contains(t, csp, "default-src 'none'")
	require.NotContains(t, csp, "unsafe")
	page := strings.ToLower(w.Body.String())
	for _, inline := range []string{" style=", "<style", " on", "javascript:", "http:", "https:", "src=\"//"} {
		if inline == " on" {
			require.NotRegexp(t, ` on[a-z]+=`, page)
			continue
		}
		require.NotContains(t, page, inline)
	}
	require.Equal(t, 1, strings.Count(page, "<script"))
	script, err := cachehttp.Files.ReadFile("page/stats.js")
	require.NoError(t, err)
	for _, markup := range []string{"innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "Function(", "setHTML", ".style"} {
		require.NotContains(t, string(script), markup)
	}
}

func TestKeysCannotBreakOutOfTheJSON(t *testing.T) {
	store := cachetest.Store(t)
	stats := newStats(t, cachehttp.Options{Store: store, ShowKeys: true})
	evil := "</script><img src=x onerror=alert(1)>\u2028\"'&\xff"
	db := cachetest.NewSource(map[string]string{evil: "1"})
	c := newCache(t, db, cache.Options{Store: store, Name: evil, Observer: stats.Observer()})
	for range 20 * cache.SampleEvery {
		_, _ = c.Get(bg, evil)
	}
	w := ask(stats, "GET", "/", "")
	require.NotContains(t, w.Body.String(), "<")
	require.NotContains(t, w.Body.String(), "\u2028")
	var s cachehttp.Snapshot
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &s))
	require.Contains(t, s.Caches[0].HotKeys[0].Key, "<img src=x")
}
