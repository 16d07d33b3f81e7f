// Httpcache caches whole responses of an HTTP handler by route and path, with an ETag: who has the present version gets
// 304 and no body. A write invalidates its route with one prefix. Run it with go run ./examples/httpcache
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/ttl"
)

// page is a response as it is cached, and pageKey what it is cached under: InvalidatePrefix(ctx, "/posts/") ends all of a
// route. Whatever else an answer depends on (a user, a language) must be a part of the key.
type page struct {
	Status     int
	Type, ETag string
	Body       []byte
}

type pageKey struct{ Route, Path, Query string }

type askedKey struct{} // of the request, in the context of a load

// cached answers GET and HEAD requests of a route from the cache, and passes everything else on.
func cached(route string, next http.Handler, pages *cache.Cached[pageKey, page]) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead || r.Header.Get("Authorization") != "" {
			next.ServeHTTP(w, r)
			return
		}
		asked := context.WithValue(r.Context(), askedKey{}, func(ctx context.Context) page { return render(ctx, next, r) })
		p, err := pages.Get(asked, pageKey{route, r.URL.Path, r.URL.Query().Encode()})
		if err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("ETag", p.ETag)
		w.Header().Set("Content-Type", p.Type)
		if p.Status == http.StatusOK && strings.Contains(r.Header.Get("If-None-Match"), p.ETag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.WriteHeader(p.Status)
		_, _ = w.Write(p.Body)
	})
}

// render is the load: it runs once, however many ask, and not under the request of any one of them.
func render(ctx context.Context, next http.Handler, r *http.Request) page {
	w := httptest.NewRecorder()
	get := r.Clone(ctx)
	get.Method = http.MethodGet // a HEAD fills the cache for all
	next.ServeHTTP(w, get)
	return page{w.Code, w.Header().Get("Content-Type"), fmt.Sprintf(`"%x"`, sha256.Sum256(w.Body.Bytes())), bytes.Clone(w.Body.Bytes())}
}

func main() {
	var renders, title atomic.Int64
	var pages *cache.Cached[pageKey, page]
	posts := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			title.Add(1)
			check(pages.InvalidatePrefix(r.Context(), "/posts/") == nil, "not invalidated")
			return
		}
		renders.Add(1)
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprintf(w, "post %s, version %d", r.URL.Path, title.Load())
	})
	pages = cache.Must(cache.New(func(ctx context.Context, k pageKey) (page, error) {
		p := ctx.Value(askedKey{}).(func(context.Context) page)(ctx)
		if p.Status >= http.StatusInternalServerError { // not kept
			return p, fmt.Errorf("%s: status %d", k.Path, p.Status)
		}
		return p, nil
	}, cache.Options{TTL: ttl.Fixed(time.Minute).StaleIfError(time.Hour)}))
	server := httptest.NewServer(cached("/posts/", posts, pages))
	defer server.Close()

	ask := func(method, etag string, status int, body string, rendered int64) string {
		before := renders.Load()
		req, err := http.NewRequestWithContext(context.Background(), method, server.URL+"/posts/1", http.NoBody)
		check(err == nil, err)
		req.Header.Set("If-None-Match", etag)
		resp, err := http.DefaultClient.Do(req)
		check(err == nil, err)
		defer func() { _ = resp.Body.Close() }()
		var got bytes.Buffer
		_, err = got.ReadFrom(resp.Body)
		check(err == nil, err)
		fmt.Printf("%-4s %d %-28q rendered %d\n", method, resp.StatusCode, got.String(), renders.Load()-before)
		check(resp.StatusCode == status && got.String() == body && renders.Load()-before == rendered, "that is not so")
		return resp.Header.Get("ETag")
	}
	etag := ask("GET", "", 200, "post /posts/1, version 0", 1)
	ask("GET", "", 200, "post /posts/1, version 0", 0)
	ask("GET", etag, 304, "", 0)
	ask("POST", "", 200, "", 0)
	newer := ask("GET", etag, 200, "post /posts/1, version 1", 1) // at once, and not 304
	check(newer != etag, "the ETag must change with the body")
	ask("HEAD", newer, 304, "", 0)
}

func check(ok bool, otherwise any) {
	if !ok {
		log.Fatal(otherwise)
	}
}
