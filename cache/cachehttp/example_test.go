package cachehttp_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/cache/cachehttp"
	"github.com/freshet-go/freshet/tiered"
)

func square(_ context.Context, n int) (int, error) { return n * n, nil }

func ExampleStats() {
	store, err := tiered.Open(tiered.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	stats, err := cachehttp.New(cachehttp.Options{Store: store})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stats.Close()
	squares := cache.Must(cache.New(square, cache.Options{Store: store, Name: "squares", Observer: stats.Observer()}))
	for range 3 {
		_, _ = squares.Get(context.Background(), 12)
	}

	mux := http.NewServeMux()
	mux.Handle("/cache/stats", stats) // a page for browsers, JSON for everybody else
	server := httptest.NewServer(mux)
	defer server.Close()

	response, err := http.Get(server.URL + "/cache/stats")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	var s cachehttp.Snapshot
	err = json.NewDecoder(response.Body).Decode(&s)
	fmt.Println(s.Caches[0].Name, s.Caches[0].Requests, s.Caches[0].MemoryHits, s.Caches[0].Latency.Load.Count, err)
	// Output:
	// squares 3 2 1 <nil>
}

func ExampleAdmin() {
	store, err := tiered.Open(tiered.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	admin, err := cachehttp.NewAdmin(cachehttp.AdminOptions{
		Store: store,
		Authorize: func(r *http.Request) (who string, ok bool) {
			who, password, _ := r.BasicAuth()
			return who, password == "secret" // look it up, and compare in constant time
		},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	server := httptest.NewServer(admin)
	defer server.Close()

	response, err := http.PostForm("http://ada:secret@"+server.Listener.Addr().String(), url.Values{
		"scope": {"prefix"}, "segment": {"feed", "42"}, // every page of user 42
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(response.Body)
	fmt.Print(response.StatusCode, " ", string(answer))
	// Output:
	// 200 {"scope":"prefix","segments":["feed","42"],"deferred":false}
}
