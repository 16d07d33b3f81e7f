//go:build chromium

package cachehttp_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/cache/cachehttp"
	"github.com/freshet-go/freshet/cache/cachetest"
	"github.com/stretchr/testify/require"
)

// chromium runs the browser, on its own clock, until its page has shown itself.
func chromium(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	args = append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-extensions",
		"--user-data-dir=" + t.TempDir(), "--window-size=1200,1500", "--virtual-time-budget=5000",
	}, args...)
	cmd := exec.CommandContext(ctx, "chromium", args...)
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	require.NoError(t, cmd.Run(), "%s", &log)
	require.NotContains(t, log.String(), "Content Security Policy")
	return out.String()
}

// behind serves h as a site does that is strict itself, under a path.
func behind(t *testing.T, h http.Handler) (url string) {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/ops/cache/stats", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Content-Security-Policy", "default-src 'self'")
		h.ServeHTTP(w, r)
	}))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL + "/ops/cache/stats"
}

func TestThePageInABrowser(t *testing.T) {
	node := cachetest.NewRedis(t).Node(t)
	stats := newStats(t, cachehttp.Options{Store: node.Store, ShowKeys: true, Every: 50 * time.Millisecond, History: time.Minute})
	url := behind(t, stats)
	const evil = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`
	db := cachetest.NewSource(map[string]string{evil: "1"})
	c := newCache(t, db, cache.Options{Store: node.Store, Name: "<b>rows</b>", Observer: stats.Observer()})
	for range 50 * cache.SampleEvery {
		_, err := c.Get(bg, evil)
		require.NoError(t, err)
	}
	pause := func() { // until the charts have something to show
		n := len(stats.Snapshot().History.Samples)
		require.Eventually(t, func() bool { return len(stats.Snapshot().History.Samples) > n+5 }, time.Minute, time.Millisecond)
	}
	pause()

	dom := chromium(t, "--dump-dom", url)
	require.Contains(t, dom, "<title>Freshet: caches</title>")
	require.Contains(t, dom, "as of ")
	require.Contains(t, dom, "&lt;b&gt;rows&lt;/b&gt;")
	require.Contains(t, dom, `&lt;img src=x onerror="document.title='owned'"&gt;`)
	require.NotContains(t, dom, "<img")
	require.NotContains(t, dom, "<b>rows")
	require.Equal(t, 1, strings.Count(dom, "<script"))
	require.Contains(t, dom, ">12,800<", "requests")
	require.Contains(t, dom, "<polygon", "answers per second")
	require.Contains(t, dom, "<polyline", "latencies")
	require.Contains(t, dom, `<option value="&lt;b&gt;rows&lt;/b&gt;">`, "a cache to choose")
	require.Contains(t, dom, `<b class="good">up</b>`)
	require.Contains(t, dom, `<b class="good">closed</b>`)

	node.Down()
	require.Error(t, c.Invalidate(bg, evil))
	for stats.Snapshot().Store.Breaker != "open" {
		_, _ = c.Get(bg, time.Now().String()) // absent
	}
	pause()
	dom = chromium(t, "--dump-dom", url)
	require.Contains(t, dom, `<b class="bad">down</b>`)
	require.Contains(t, dom, `<b class="warn">alone</b>`)
	require.Contains(t, dom, "Link: down")
	require.Regexp(t, `invalidations to tell: [1-9]`, dom)

	light, dark := filepath.Join(t.TempDir(), "light.png"), filepath.Join(t.TempDir(), "dark.png")
	chromium(t, "--screenshot="+light, url)
	chromium(t, "--screenshot="+dark, "--blink-settings=preferredColorScheme=0", url)
	a, err := os.ReadFile(light)
	require.NoError(t, err)
	b, err := os.ReadFile(dark)
	require.NoError(t, err)
	require.NotEqual(t, a, b)
	if dir := os.Getenv("SCREENSHOTS"); dir != "" {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "light.png"), a, 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "dark.png"), b, 0o600))
	}
}

func TestThePageSaysThatNobodyAnswers(t *testing.T) {
	stats := newStats(t, cachehttp.Options{Store: cachetest.Store(t)})
	dom := chromium(t, "--dump-dom", behind(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("format") == "json" {
			http.Error(w, "no", http.StatusBadGateway)
			return
		}
		stats.ServeHTTP(w, r)
	})))
	require.Contains(t, dom, "no answer: the server answers 502")
}
