// Package cacheprom exports what a Store and its caches do to Prometheus.
//
//	metrics, err := cacheprom.New(cacheprom.Options{Store: store})
//	prometheus.MustRegister(metrics)
//	users, err := cache.New(repo.UserByID, cache.Options{Store: store, Name: "users", Observer: metrics.Observer()})
//
// All caches of the Store are exported, with the label cache; nothing has to be done for a new one. Those with the
// Observer also have durations, and count their invalidations. Counters are read when Prometheus asks: a hit costs
// nothing more.
//
// A counter ends with its cache: one that is closed, and made again, begins at zero, which rate() understands.
//
// # Dashboard and alerts
//
// dashboard.json is a dashboard for Grafana, alerts.yaml has alert rules for Prometheus, with what each means and what to
// do. Tests hold both against the metrics that are exported, and against the grammar of Prometheus.
//
// The package is a module of its own, so that the library does not depend on Prometheus.
package cacheprom
