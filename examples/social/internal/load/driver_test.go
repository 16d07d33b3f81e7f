package load_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/freshet-go/freshet/examples/social/internal/load"
	"github.com/freshet-go/freshet/examples/social/internal/origin"
	"github.com/freshet-go/freshet/examples/social/internal/service"
)

const requests = 600

// forgetful is a service whose feeds never change: a cache without invalidation.
type forgetful struct {
	service.Plain
	feeds map[int64]service.Feed
}

func (f forgetful) Feed(_ context.Context, user int64) (service.Feed, error) {
	return f.feeds[user], nil
}

func drive(t *testing.T, wrap func(service.Plain) service.Data) (load.Result, *load.Mirror, *origin.DB) {
	t.Helper()
	db, err := origin.Open(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	p := origin.Population{Users: 100, Seed: 3}
	if err := db.Seed(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	plain := service.Plain{DB: db}
	health, err := plain.Health(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(service.Handler(wrap(plain), "", slog.New(slog.DiscardHandler)))
	defer server.Close()
	mirror := load.NewMirror(p)
	d := &load.Driver{Base: server.URL, Population: p, Mirror: mirror, Health: health, Users: load.Zipf(requests, 100, 3), Seed: 3}
	return d.Run(t.Context(), load.Plan{Workers: 8}), mirror, db
}

// TestTruth: a service without a cache is right in every response, and the mirror equals the database afterwards.
func TestTruth(t *testing.T) {
	r, mirror, db := drive(t, func(p service.Plain) service.Data { return p })
	if r.Requests != requests || r.Wrong != 0 || r.Failed != 0 {
		t.Fatalf("%d requests, %d wrong, %d failed: %q", r.Requests, r.Wrong, r.Failed, r.Examples)
	}
	for e, l := range r.Latencies {
		if len(l) == 0 {
			t.Errorf("no request of %s", load.Names[e])
		}
	}
	if n, err := mirror.Prove(t.Context(), db); n != 900 || err != nil {
		t.Errorf("compared %d values: %v", n, err)
	}
	if _, err := db.AddPost(t.Context(), 1, "behind the mirror's back"); err != nil {
		t.Fatal(err)
	}
	if _, err := mirror.Prove(t.Context(), db); err == nil || !strings.Contains(err.Error(), "behind the mirror's back") {
		t.Errorf("a difference is not found: %v", err)
	}
}

// TestStaleIsFound is a test of the test: old feeds must be noticed.
func TestStaleIsFound(t *testing.T) {
	r, _, _ := drive(t, func(p service.Plain) service.Data {
		f := forgetful{p, map[int64]service.Feed{}}
		for id := int64(1); id <= 100; id++ {
			feed, err := p.Feed(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			f.feeds[id] = feed
		}
		return f
	})
	if r.Wrong == 0 || r.Failed != 0 || len(r.Examples) == 0 || !strings.Contains(r.Examples[0], "wrong: ") {
		t.Fatalf("%d wrong, %d failed: %q", r.Wrong, r.Failed, r.Examples)
	}
}

// TestAccountIsCompared is a test of the test: each part of an answer to an authentication is looked at.
func TestAccountIsCompared(t *testing.T) {
	p := origin.Population{Users: 100, Seed: 3}
	m := load.NewMirror(p)
	followers := 0
	for id := int64(1); id <= 100; id++ {
		if slices.Contains(p.Following(id), 1) {
			followers++
		}
	}
	now := time.Now()
	for name, change := range map[string]func(*service.Account){
		"":         func(*service.Account) {},
		"user":     func(a *service.Account) { a.User.Name = "x" },
		"profile":  func(a *service.Account) { a.Profile.City = "x" },
		"settings": func(a *service.Account) { a.Settings.Theme = "x" },
		"roles":    func(a *service.Account) { a.Roles = a.Roles[1:] },
		"follower": func(a *service.Account) { a.Followers-- },
		"unread":   func(a *service.Account) { a.Unread++ },
		"messages": func(a *service.Account) { a.Messages = append(a.Messages, origin.Message{ID: 1}) },
	} {
		a := service.Account{
			User: p.User(1), Profile: p.Profile(1), Settings: p.Settings(1), Roles: p.Roles(1), Followers: followers,
			Unread: p.Unread(1), Messages: p.Messages(1),
		}
		change(&a)
		err := m.Account(a, 1, now, now)
		if (err == nil) != (name == "") || err != nil && !strings.Contains(err.Error(), name) {
			t.Errorf("with another %q: %v", name, err)
		}
	}
}
