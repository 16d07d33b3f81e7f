package cacheprom_test

import (
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/cache/cacheprom"
	"github.com/freshet-go/freshet/cache/cachetest"
	"github.com/freshet-go/freshet/tiered"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
)

var bg = context.Background()

func register(t *testing.T, o cacheprom.Options) (*cacheprom.Collector, *prometheus.Registry) {
	t.Helper()
	c, err := cacheprom.New(o)
	require.NoError(t, err)
	r := prometheus.NewPedanticRegistry() // minds that metrics are as they were described
	require.NoError(t, r.Register(c))
	return c, r
}

// families are metrics by name.
type families map[string]*dto.MetricFamily

// scrape asks as Prometheus does, and reads the answer as it does.
func scrape(t *testing.T, r *prometheus.Registry) (families, string) {
	t.Helper()
	w := httptest.NewRecorder()
	promhttp.HandlerFor(r, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError}).
		ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	text, err := io.ReadAll(w.Body)
	require.NoError(t, err)
	require.Equal(t, 200, w.Code, string(text))
	parser := expfmt.NewTextParser(model.UTF8Validation)
	all, err := parser.TextToMetricFamilies(strings.NewReader(string(text)))
	require.NoError(t, err)
	return all, string(text)
}

// get returns the value of a metric, or the count of a histogram, whose labels are the given pairs.
func (f families) get(t *testing.T, name string, labels ...string) float64 {
	t.Helper()
	require.Contains(t, f, name)
	for _, m := range f[name].Metric {
		same := len(m.Label) == len(labels)/2
		for i := 0; i < len(labels); i += 2 {
			found := false
			for _, l := range m.Label {
				found = found || l.GetName() == labels[i] && l.GetValue() == labels[i+1]
			}
			same = same && found
		}
		switch {
		case !same:
		case m.Counter != nil:
			return m.Counter.GetValue()
		case m.Gauge != nil:
			return m.Gauge.GetValue()
		case m.Histogram != nil:
			return float64(m.Histogram.GetSampleCount())
		}
	}
	require.Failf(t, "no such metric", "%s%v", name, labels)
	return 0
}

func TestScrape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		redis := cachetest.NewRedis(t)
		one, two := redis.Node(t), redis.Node(t)
		db := cachetest.NewSource(map[string]string{"a": "1"})
		metrics, registry := register(t, cacheprom.Options{Store: two.Store})
		first := cache.Must(cache.New(db.Load, cache.Options{Store: one.Store, Name: "rows"}))
		rows := cache.Must(cache.New(db.Load, cache.Options{Store: two.Store, Name: "rows", Observer: metrics.Observer()}))
		cache.Must(cache.New(db.Load, cache.Options{Store: two.Store, Name: "unused"}))

		_, err := first.Get(bg, "a")
		require.NoError(t, err)
		cachetest.Pass(time.Second)
		db.Slow(10 * time.Millisecond)
		for range 3 {
			_, _ = rows.Get(bg, "a") // Redis, memory, memory
		}
		_, _ = rows.Get(bg, "b") // absent
		db.Fail(errors.New("down"))
		_, _ = rows.Get(bg, "c")
		require.NoError(t, rows.Set(bg, "d", "1"))
		require.NoError(t, rows.Invalidate(bg, "d"))
		require.Error(t, rows.Mutate(bg, "d", func(context.Context) error { return errors.New("no") }))

		f, text := scrape(t, registry)
		of := func(name string, labels ...string) float64 {
			return f.get(t, name, append([]string{"cache", "rows"}, labels...)...)
		}
		require.EqualValues(t, 2, of("freshet_cache_requests_total", "answer", "memory_hit"))
		require.EqualValues(t, 1, of("freshet_cache_requests_total", "answer", "redis_hit"))
		require.EqualValues(t, 1, of("freshet_cache_requests_total", "answer", "load"))
		require.EqualValues(t, 1, of("freshet_cache_requests_total", "answer", "error"))
		require.EqualValues(t, 2, of("freshet_cache_loader_calls_total"))
		require.EqualValues(t, 1, of("freshet_cache_load_errors_total"))
		require.EqualValues(t, 2, of("freshet_cache_load_duration_seconds"))
		require.EqualValues(t, 1, of("freshet_cache_redis_hit_duration_seconds"))
		require.EqualValues(t, 1, of("freshet_cache_writes_total", "op", "invalidate", "result", "ok"))
		require.EqualValues(t, 1, of("freshet_cache_writes_total", "op", "set", "result", "ok"))
		require.EqualValues(t, 1, of("freshet_cache_writes_total", "op", "mutate", "result", "error"))
		require.Zero(t, f.get(t, "freshet_cache_loader_calls_total", "cache", "unused"))
		require.EqualValues(t, 1<<20, f.get(t, "freshet_memory_limit_bytes"))
		require.EqualValues(t, 1, f.get(t, "freshet_link_up"))
		require.EqualValues(t, 1, f.get(t, "freshet_breaker_state", "state", "closed"))
		require.EqualValues(t, 2, f.get(t, "freshet_fills_total", "result", "written"), "an absence, and what was set")

		problems, err := promlint.New(strings.NewReader(text)).Lint()
		require.NoError(t, err)
		require.Empty(t, problems)
		linted, err := testutil.CollectAndLint(metrics)
		require.NoError(t, err)
		require.Empty(t, linted)

		two.Down()
		require.ErrorIs(t, rows.Invalidate(bg, "a"), tiered.ErrDeferred)
		cachetest.Pass(time.Minute)
		f, _ = scrape(t, registry)
		require.Zero(t, f.get(t, "freshet_link_up"))
		require.EqualValues(t, 1, f.get(t, "freshet_fallback"))
		require.EqualValues(t, 1, f.get(t, "freshet_journal_entries"))
		require.EqualValues(t, 1, of("freshet_cache_writes_total", "op", "invalidate", "result", "deferred"))
		require.Zero(t, f.get(t, "freshet_breaker_state", "state", "closed"))
	})
}

func TestNamesOfAnyBytes(t *testing.T) {
	store := cachetest.Store(t)
	_, registry := register(t, cacheprom.Options{Store: store})
	for _, name := range []string{"a\"\n{}", "\xff", "\xfe", "ž"} {
		cache.Must(cache.New[string, int](nil, cache.Options{Store: store, Name: name}))
	}
	f, _ := scrape(t, registry)
	for _, name := range []string{"a\"\n{}", `"\xff"`, `"\xfe"`, "ž"} {
		require.Zero(t, f.get(t, "freshet_cache_waits_total", "cache", name))
	}
}

func TestTwoStores(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	for _, name := range []string{"one", "two"} {
		store := cachetest.Store(t)
		cache.Must(cache.New[string, int](nil, cache.Options{Store: store, Name: "rows"}))
		c, err := cacheprom.New(cacheprom.Options{Store: store, ConstLabels: prometheus.Labels{"store": name}})
		require.NoError(t, err)
		require.NoError(t, registry.Register(c))
	}
	f, _ := scrape(t, registry)
	require.Zero(t, f.get(t, "freshet_cache_waits_total", "cache", "rows", "store", "two"))
	require.EqualValues(t, 1<<20, f.get(t, "freshet_memory_limit_bytes", "store", "one"))
}

func TestAStoreWithoutRedisHasNoLink(t *testing.T) {
	_, registry := register(t, cacheprom.Options{Store: cachetest.Store(t)})
	f, _ := scrape(t, registry)
	require.NotContains(t, f, "freshet_link_up")
}

func TestOptionsFaults(t *testing.T) {
	_, err := cacheprom.New(cacheprom.Options{})
	require.EqualError(t, err, "cacheprom: Options.Store is nil: there is nothing to export")
}
