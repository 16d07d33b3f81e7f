package cache

import "github.com/freshet-go/freshet/tiered"

// StatsOf returns the Stats of all caches that are open on store, by name.
func StatsOf(store *tiered.Store) map[string]Stats {
	all := map[string]Stats{}
	for name, user := range store.Users() {
		if c, ok := user.(interface{ Stats() Stats }); ok {
			all[name] = c.Stats()
		}
	}
	return all
}
