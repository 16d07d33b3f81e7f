package cacheprom

import (
	"errors"
	"strconv"
	"unicode/utf8"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"github.com/prometheus/client_golang/prometheus"
)

// Options configure New.
type Options struct {
	// Store is the one that is exported, with its caches. Required.
	Store *tiered.Store
	// ConstLabels are added to every metric. A process with two Stores needs them: without, the second could not be
	// registered beside the first.
	ConstLabels prometheus.Labels
	// Buckets are the upper bounds of the histograms of durations, in seconds. nil: from 100 µs to 13 s, in factors of
	// two. Where Prometheus asks for native histograms, it gets those.
	Buckets []float64
}

// Collector exports a Store and its caches. All methods may be called concurrently.
type Collector struct {
	store  *tiered.Store
	states []metric[tiered.Stats]
	caches []metric[cache.Stats]
	heard  heard
}

// metric is one that is read from a snapshot when Prometheus asks for it.
type metric[S any] struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func(S) []number
}

// number is the value of a metric for the values of its labels.
type number struct {
	value  float64
	labels []string
}

// New makes a Collector, to be registered.
func New(o Options) (*Collector, error) {
	if o.Store == nil {
		return nil, errors.New("cacheprom: Options.Store is nil: there is nothing to export")
	}
	if o.Buckets == nil {
		o.Buckets = prometheus.ExponentialBuckets(100e-6, 2, 18)
	}
	return &Collector{o.Store, storeMetrics(o.ConstLabels, o.Store.Shared()), cacheMetrics(o.ConstLabels), newHeard(o)}, nil
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, m := range c.states {
		ch <- m.desc
	}
	for _, m := range c.caches {
		ch <- m.desc
	}
	for _, m := range c.heard.all() {
		m.Describe(ch)
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	send(ch, c.states, c.store.Stats())
	for name, stats := range cache.StatsOf(c.store) {
		send(ch, c.caches, stats, label(name))
	}
	for _, m := range c.heard.all() {
		m.Collect(ch)
	}
}

func send[S any](ch chan<- prometheus.Metric, metrics []metric[S], stats S, labels ...string) {
	for _, m := range metrics {
		for _, n := range m.read(stats) {
			ch <- prometheus.MustNewConstMetric(m.desc, m.kind, n.value, append(labels[:len(labels):len(labels)], n.labels...)...)
		}
	}
}

// label makes the value of a label of a cache's name, which may be any bytes: bad UTF-8 would end the whole scrape.
func label(name string) string {
	if utf8.ValidString(name) {
		return name
	}
	return strconv.QuoteToASCII(name)
}
