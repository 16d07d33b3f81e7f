package service

import (
	"time"

	"github.com/freshet-go/freshet/ttl"
)

// jitter shortens lifetimes at random, so that what was loaded together does not expire together.
const jitter = 0.1

// lives is the strategies table: for how long the results of each function are fresh.
var lives = map[string]time.Duration{
	"users":          300 * time.Second,
	"user_profile":   180 * time.Second,
	"posts":          60 * time.Second,
	"posts_user":     120 * time.Second,
	"jobs":           300 * time.Second,
	"jobs_stats":     600 * time.Second,
	"messages":       30 * time.Second,
	"notifications":  30 * time.Second,
	"following":      300 * time.Second,
	"follower_count": 120 * time.Second,
	"sessions":       300 * time.Second,
	"settings":       180 * time.Second,
	"roles":          300 * time.Second,
}

// Strategies are the policies of all caches. Popular values are replaced ahead of their expiry; others may serve for ten
// minutes more while they are revalidated, which no reader waits for; and if the database fails, for an hour. None of
// this ever shows an old value, since every write invalidates.
func Strategies() ttl.Table {
	t := ttl.Table{}
	for name, life := range lives {
		t[name] = ttl.Fixed(life).Jitter(jitter).EarlyRefresh(1).StaleWhileRevalidate(10 * time.Minute).StaleIfError(time.Hour)
	}
	return t
}
