// Sessions caches what authentication asks for: a session by the hash of its token. Every request pays for it, so it
// must be fast; and a logout must end it everywhere at once, so it must not be old. Two nodes share a small Redis here.
// Run it with go run ./examples/sessions
package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
)

// session is a row. Neither it nor its key has the token: who can read Redis cannot log in with what is there.
type session struct {
	User    int
	Hash    [32]byte // of the token's secret half
	Expires time.Time
}

var errDenied = errors.New("sessions: denied")

// database stands for the table of sessions, by the public half of their tokens.
type database struct {
	mu    sync.Mutex
	rows  map[string]session
	reads int
}

func (d *database) byID(_ context.Context, id string) (session, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reads++
	s, ok := d.rows[id]
	if !ok {
		return session{}, cache.ErrNotFound // cached too: guessed tokens do not reach the database twice
	}
	return s, nil
}

// node is one process of an application.
type node struct {
	db       *database
	sessions *cache.Cached[string, session]
}

func open(db *database, redis string) *node {
	rdb, err := tiered.Dial(redis)
	check(err == nil, err)
	store, err := tiered.Open(tiered.Options{Redis: rdb, Namespace: "sessions"})
	check(err == nil, err)
	return &node{db, cache.Must(cache.New(db.byID, cache.Options{
		Store: store, Name: "sessions",
		// Never longer than the session itself, and no stale answers: this is about permissions.
		TTL: ttl.FromValue(func(s session) time.Duration { return time.Until(s.Expires) }).AtMost(time.Minute).Negative(5 * time.Second),
	}))}
}

// login makes a token: a public half to find the session by, and a secret half that is only kept hashed.
func (n *node) login(user int) (id, secret string) {
	id, secret = rand.Text(), rand.Text()
	n.db.mu.Lock()
	defer n.db.mu.Unlock()
	n.db.rows[id] = session{user, sha256.Sum256([]byte(secret)), time.Now().Add(time.Hour)}
	return id, secret
}

// authenticate compares in constant time: how long it takes says nothing about how much of a guess is right.
func (n *node) authenticate(ctx context.Context, id, secret string) (user int, err error) {
	s, err := n.sessions.Get(ctx, id)
	if err != nil && !errors.Is(err, cache.ErrNotFound) {
		return 0, err
	}
	hash := sha256.Sum256([]byte(secret))
	if same := subtle.ConstantTimeCompare(hash[:], s.Hash[:]) == 1; err != nil || !same || !time.Now().Before(s.Expires) {
		return 0, errDenied
	}
	return s.User, nil
}

// logout marks the session on all nodes, deletes it, and invalidates it. A crash in between leaves nobody logged in.
func (n *node) logout(ctx context.Context, id string) error {
	return n.sessions.Mutate(ctx, id, func(context.Context) error {
		n.db.mu.Lock()
		defer n.db.mu.Unlock()
		delete(n.db.rows, id)
		return nil
	})
}

func main() {
	ctx := context.Background()
	mini := miniredis.NewMiniRedis() // a small Redis inside this process
	check(mini.Start() == nil, "miniredis does not start")
	db := &database{rows: map[string]session{}}
	a, b := open(db, "redis://"+mini.Addr()), open(db, "redis://"+mini.Addr())
	id, secret := a.login(42)
	for range 1000 {
		for _, n := range []*node{a, b} {
			user, err := n.authenticate(ctx, id, secret)
			check(err == nil && user == 42, err)
		}
	}
	fmt.Printf("2000 authentications, %d read of the database\n", db.reads)
	check(db.reads <= 2, "too many") // one, or one each if b asks before a's answer is in Redis

	_, err := b.authenticate(ctx, id, "guess")
	check(errors.Is(err, errDenied), "a wrong secret must be denied")
	check(a.logout(ctx, id) == nil, "logout failed")
	_, err = a.authenticate(ctx, id, secret)
	check(errors.Is(err, errDenied), "logged out, and let in on the same node")
	began := time.Now()
	for err = nil; err == nil; _, err = b.authenticate(ctx, id, secret) { // until the message has arrived
		check(time.Since(began) < time.Second, "logged out, and let in on the other node") // MaxStaleness
	}
	fmt.Printf("logged out: denied on this node at once, on the other after %v\n", time.Since(began).Round(10*time.Microsecond))
}

func check(ok bool, otherwise any) {
	if !ok {
		log.Fatal(otherwise)
	}
}
