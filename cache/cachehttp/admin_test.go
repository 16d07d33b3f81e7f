package cachehttp_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/cache/cachehttp"
	"github.com/freshet-go/freshet/cache/cachetest"
	"github.com/freshet-go/freshet/tiered"
	"github.com/stretchr/testify/require"
)

// desk is an Admin, with what it logs.
type desk struct {
	*cachehttp.Admin
	log   bytes.Buffer
	asked int
}

func newDesk(t *testing.T, store *tiered.Store) *desk {
	t.Helper()
	d := &desk{}
	var err error
	d.Admin, err = cachehttp.NewAdmin(cachehttp.AdminOptions{
		Store: store,
		Authorize: func(r *http.Request) (string, bool) {
			d.asked++
			who, password, _ := r.BasicAuth()
			return who, password == "secret"
		},
		Logger: slog.New(slog.NewTextHandler(&d.log, nil)),
	})
	require.NoError(t, err)
	return d
}

func (d *desk) post(form string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "http://ops.test/cache/admin", strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth("ada", "secret")
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w
}

func TestAdminInvalidates(t *testing.T) {
	type page struct {
		User int
		Tag  string
	}
	store := cachetest.Store(t)
	db := cachetest.NewSource(map[page]string{{1, "a:b"}: "x", {1, "c"}: "x", {2, "c"}: "x"})
	pages := cache.Must(cache.New(db.Load, cache.Options{Store: store, Name: "pages"}))
	d := newDesk(t, store)
	reload := func() (n int) {
		for _, p := range []page{{1, "a:b"}, {1, "c"}, {2, "c"}} {
			before := db.Loads()
			_, err := pages.Get(bg, p)
			require.NoError(t, err)
			n += db.Loads() - before
		}
		return n
	}
	require.Equal(t, 3, reload())
	require.Equal(t, 0, reload())

	w := d.post(url.Values{"scope": {"key"}, "segment": {"pages", "1", "a:b"}}.Encode())
	require.Equal(t, 200, w.Code)
	require.Equal(t, "application/json", w.Header().Get("Content-Type"))
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	require.JSONEq(t, `{"scope":"key","segments":["pages","1","a:b"],"deferred":false}`, w.Body.String())
	require.Equal(t, 1, reload())

	require.Equal(t, 200, d.post("scope=prefix&segment=pages&segment=1").Code)
	require.Equal(t, 2, reload())
	require.Equal(t, 200, d.post("scope=prefix&segment=pages").Code)
	require.Equal(t, 3, reload())
	w = d.post("scope=all")
	require.JSONEq(t, `{"scope":"all","segments":[],"deferred":false}`, w.Body.String())
	require.Equal(t, 3, reload())

	log := d.log.String()
	require.Equal(t, 4, strings.Count(log, "cachehttp: invalidated"))
	require.Contains(t, log, `who=ada scope=key segments="[pages 1 a:b]" deferred=false`)
}

func TestAdminSaysThatRedisWasNotTold(t *testing.T) {
	node := cachetest.NewRedis(t).Node(t)
	d := newDesk(t, node.Store)
	node.Down()
	w := d.post("scope=key&segment=users&segment=1")
	require.Equal(t, 200, w.Code)
	require.Contains(t, w.Body.String(), `"deferred":true`)
	require.Contains(t, d.post("scope=prefix&segment=users").Body.String(), `"deferred":true`)
}

func TestAdminRefuses(t *testing.T) {
	d := newDesk(t, cachetest.Store(t))
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for name, c := range map[string]struct {
		form   string
		change func(*http.Request)
		status int
		asked  int // whether who it is was of interest
	}{
		"GET":                  {"", func(r *http.Request) { r.Method = "GET" }, 405, 0},
		"PUT":                  {"scope=all", func(r *http.Request) { r.Method = "PUT" }, 405, 0},
		"another site":         {"scope=all", header("Sec-Fetch-Site", "cross-site"), 403, 0},
		"a sister site":        {"scope=all", header("Sec-Fetch-Site", "same-site"), 403, 0},
		"another origin":       {"scope=all", header("Origin", "http://evil.test"), 403, 0},
		"a sandboxed frame":    {"scope=all", header("Origin", "null"), 403, 0},
		"nobody":               {"scope=all", func(r *http.Request) { r.Header.Del("Authorization") }, 403, 1},
		"the wrong password":   {"scope=all", func(r *http.Request) { r.SetBasicAuth("ada", "guess") }, 403, 1},
		"JSON":                 {`{"scope":"all"}`, header("Content-Type", "application/json"), 415, 1},
		"in the address":       {"", func(r *http.Request) { r.URL.RawQuery = "scope=all" }, 415, 1},
		"malformed":            {"scope=%zz", nil, 400, 1},
		"no scope":             {"segment=users", nil, 400, 1},
		"unknown scope":        {"scope=cache&segment=users", nil, 400, 1},
		"a key without a name": {"scope=key&segment=users", nil, 400, 1},
		"an empty prefix":      {"scope=prefix", nil, 400, 1},
		"all of something":     {"scope=all&segment=users", nil, 400, 1},
		"too much":             {"scope=key&segment=" + strings.Repeat("x", 1<<17), nil, 413, 1},
	} {
		t.Run(name, func(t *testing.T) {
			d.asked = 0
			change := c.change
			if change == nil {
				change = func(*http.Request) {}
			}
			w := d.post(c.form, change)
			require.Equal(t, c.status, w.Code, w.Body.String())
			require.Equal(t, c.asked, d.asked)
			require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
		})
	}
	require.NotContains(t, d.log.String(), "cachehttp: invalidated")
	require.Equal(t, 6, strings.Count(d.log.String(), "invalidation refused"))
	require.Equal(t, 200, d.post("scope=all", header("Sec-Fetch-Site", "same-origin")).Code)
}

func TestAdminTellsLiesApartInItsLog(t *testing.T) {
	d := newDesk(t, cachetest.Store(t))
	d.post(url.Values{"scope": {"prefix"}, "segment": {"x\ntime=now level=INFO msg=\"forged\""}}.Encode(),
		func(r *http.Request) { r.SetBasicAuth("ada\nmsg=forged", "secret") })
	require.Equal(t, 1, strings.Count(d.log.String(), "\n"))
}

func TestAdminOptionsFaults(t *testing.T) {
	_, err := cachehttp.NewAdmin(cachehttp.AdminOptions{})
	require.EqualError(t, err, "cachehttp: AdminOptions.Store is nil: there is nothing to invalidate\n"+
		"cachehttp: AdminOptions.Authorize is nil: say who may invalidate")
}
