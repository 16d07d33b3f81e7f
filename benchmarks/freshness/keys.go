//go:build unix

package main

import (
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/ttl"
)

// checkedKey is a key of the caches. Group is its first segment.
type checkedKey struct{ Group, Item int }

// checkedValue is what the origin has under a key.
type checkedValue struct {
	Key     int
	Version uint64
}

type checked = cache.Cached[checkedKey, checkedValue]

// The caches: keys take turns with them, and in each with the groups.
var policies = []struct {
	name   string
	policy ttl.Policy
	batch  bool
}{
	{name: "fixed", policy: ttl.Fixed(time.Hour)},
	{name: "short", policy: ttl.Fixed(700 * time.Millisecond).Jitter(0.3)},
	{name: "stale", policy: ttl.Fixed(500 * time.Millisecond).StaleWhileRevalidate(time.Hour).StaleIfError(time.Hour)},
	{name: "early", policy: ttl.Fixed(2 * time.Second).EarlyRefresh(2).StaleIfError(time.Hour), batch: true},
}

const (
	groups  = 8
	coldest = "cold" // the cache of the keys that are read once
)

// keyOf is the key of a number; the cache is number % len(policies).
func keyOf(number int) checkedKey {
	i := number / len(policies)
	return checkedKey{i % groups, i / groups}
}

// numberOf is the number of a key of a cache.
func numberOf(key checkedKey, cache int) int {
	return (key.Item*groups+key.Group)*len(policies) + cache
}

// settable keys are those that are Set. Whoever writes to one of them excludes all others, or a Set, which is blind, would
// rightly bring back what another has just replaced.
func settable(number int) bool { return number/len(policies)%groups%4 == 0 }

// settableNear is the settable key nearest below.
func settableNear(number int) int {
	return number - number/len(policies)%groups%4*len(policies)
}

// inGroup lists the keys of a cache in the group of one of them; inCache all of its cache.
func inGroup(number, keys int) (all []int) {
	for k := number % len(policies); k < keys; k += len(policies) {
		if keyOf(k).Group == keyOf(number).Group {
			all = append(all, k)
		}
	}
	return all
}

func inCache(number, keys int) (all []int) {
	for k := number % len(policies); k < keys; k += len(policies) {
		all = append(all, k)
	}
	return all
}
