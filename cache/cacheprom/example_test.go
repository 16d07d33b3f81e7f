package cacheprom_test

import (
	"context"
	"fmt"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/cache/cacheprom"
	"github.com/freshet-go/freshet/tiered"
	"github.com/prometheus/client_golang/prometheus"
)

func Example() {
	store, err := tiered.Open(tiered.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	metrics, err := cacheprom.New(cacheprom.Options{Store: store})
	if err != nil {
		fmt.Println(err)
		return
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics)

	squares := cache.Must(cache.New(func(_ context.Context, n int) (int, error) { return n * n, nil }, cache.Options{
		Store: store, Name: "squares", Observer: metrics.Observer(),
	}))
	for range 3 {
		_, _ = squares.Get(context.Background(), 12)
	}

	families, _ := registry.Gather()
	for _, f := range families {
		for _, m := range f.Metric {
			if f.GetName() == "freshet_cache_requests_total" && m.Counter.GetValue() > 0 {
				fmt.Println(m.Label[0].GetValue(), m.Counter.GetValue())
			}
		}
	}
	// Output:
	// load 1
	// memory_hit 2
}
