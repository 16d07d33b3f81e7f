package cachehttp

import "github.com/freshet-go/freshet/tiered"

// HotKey is a key that is read often.
type HotKey struct {
	Key   string  `json:"key"`   // as in Redis, without the namespace
	Share float64 `json:"share"` // of the reads of the cache on this node, of about the last hour; from a sample
}

const (
	shownKeys  = 10
	longestKey = 200 // bytes that are shown of a key
)

// hotKeys are the hottest keys of a cache on this node. Redis is not asked.
func hotKeys(store *tiered.Store, name string) (all []HotKey) {
	keys, reads := store.Hottest(name, shownKeys)
	for _, h := range keys {
		if len(h.Key) > longestKey {
			h.Key = h.Key[:longestKey] + "…"
		}
		all = append(all, HotKey{h.Key, h.Reads / reads})
	}
	return all
}
