package scenario

import (
	"strconv"
	"time"
)

// user has fifteen fields, as rows of databases do.
type user struct {
	ID                         int64
	Name, Mail, City, Language string
	Born, Joined               time.Time
	Height, Weight             float64
	Admin, Verified            bool
	Followers, Following       int
	Tags                       []string
	Score                      uint32
}

func newUser(key string) user {
	n, _ := strconv.Atoi(key[len("user:"):]) // of names
	return user{
		ID: int64(n), Name: "Ada Lovelace " + key, Mail: "ada@example.org", City: "London", Language: "en-GB",
		Born: time.Unix(-4_000_000_000, 0).UTC(), Joined: time.Unix(1_700_000_000, 0).UTC(),
		Height: 1.68, Weight: 61.5, Verified: true, Followers: 1815 + n, Following: n % 100,
		Tags: []string{"mathematics", "engines", "poetry"}, Score: uint32(n),
	}
}
