package service

import (
	"net/http"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/examples/social/internal/audit"
	"github.com/freshet-go/freshet/tiered"
)

// Stats is what the caches and their store have counted.
type Stats struct {
	Caches []Counted
	Store  tiered.Stats
}

// Counted is what one cache has counted, and why it loaded.
type Counted struct {
	Name    string
	Stats   cache.Stats
	Loads   audit.Loads
	Strange []string // examples of loads that could not be explained
}

// Stats returns a snapshot.
func (c *Cached) Stats() Stats {
	return Stats{
		Caches: []Counted{
			c.users.counted(), c.profiles.counted(), c.posts.counted(), c.postsOf.counted(), c.jobs.counted(),
			c.jobStats.counted(), c.messages.counted(), c.notifications.counted(), c.following.counted(),
			c.sessions.counted(), c.settings.counted(), c.roles.counted(), c.followers.counted(),
		},
		Store: c.store.Stats(),
	}
}

// Waits is how often somebody has waited for a load of another service, or for one that never ended.
func (c *Cached) Waits() (n uint64) {
	for _, counted := range c.Stats().Caches {
		n += counted.Stats.Waits
	}
	return n
}

// Page shows what the caches and their store do: to people a page that draws itself, to machines JSON.
func (c *Cached) Page() http.Handler { return c.page }

// statsView is Stats as /cache/loads shows it.
type statsView struct {
	Caches map[string]cacheView `json:"caches"`
	Store  storeView            `json:"store"`
}

type cacheView struct {
	cache.Stats
	TTLSeconds float64           `json:"TTLSeconds"`
	Why        map[string]uint64 `json:"LoadsExplained"`
}

type storeView struct {
	tiered.Stats
	Breaker string // in words
}

func (s Stats) view() statsView {
	v := statsView{Caches: map[string]cacheView{}, Store: storeView{s.Store, s.Store.Breaker.String()}}
	for _, c := range s.Caches {
		v.Caches[c.Name] = cacheView{c.Stats, lives[c.Name].Seconds(), c.Loads.Map()}
	}
	return v
}
