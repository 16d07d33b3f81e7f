package service_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"go.uber.org/goleak"

	"github.com/freshet-go/freshet/cache/cachehttp"
	"github.com/freshet-go/freshet/examples/social/internal/origin"
	"github.com/freshet-go/freshet/examples/social/internal/service"
	"github.com/freshet-go/freshet/tiered"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// password is every user's.
const password = "open sesame"

// token is that of a session which a user was seeded with.
func token(user int64) string { return fmt.Sprintf("Bearer %d.%s", user, people.Secret(user)) }

var people = origin.Population{Users: 100, Seed: 9}

func database(t *testing.T) *origin.DB {
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
	if err := db.Seed(t.Context(), people); err != nil {
		t.Fatal(err)
	}
	return db
}

func cached(t *testing.T, db *origin.DB) *service.Cached {
	t.Helper()
	redis := miniredis.RunT(t)
	rdb, err := tiered.Dial("redis://" + redis.Addr())
	if err != nil {
		t.Fatal(err)
	}
	store, err := tiered.Open(tiered.Options{Redis: rdb, Strategies: service.Strategies(), Budget: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	data, err := service.NewCached(db, store)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		data.Close()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
		if err := rdb.Close(); err != nil {
			t.Error(err)
		}
	})
	return data
}

func serve(t *testing.T, data service.Data) string {
	t.Helper()
	s := httptest.NewServer(service.Handler(data, password, slog.New(slog.DiscardHandler)))
	t.Cleanup(s.Close)
	return s.URL
}

func call(t *testing.T, method, url, token, body string) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", token)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	b, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, strings.TrimSpace(string(b))
}

// TestSame: the cached service answers what the plain one does, cold and warm, before and after writes.
func TestSame(t *testing.T) {
	db := database(t)
	c := cached(t, db)
	if err := c.Warm(t.Context(), []int64{1, 2}, service.WarmOptions{}); err != nil {
		t.Fatal(err)
	}
	plain, fast := serve(t, service.Plain{DB: db}), serve(t, c)
	writer := people.Writer(0)
	compare := func() {
		t.Helper()
		for range 2 {
			for user := int64(1); user <= 5; user++ {
				for _, path := range []string{fmt.Sprintf("/feed/%d", user), "/auth", fmt.Sprintf("/posts/%d", user), "/posts/99999"} {
					s1, want := call(t, "GET", plain+path, token(user), "")
					s2, got := call(t, "GET", fast+path, token(user), "")
					if s1 != s2 || got != want {
						t.Errorf("%s of user %d: %d %s\nwant %d %s", path, user, s2, got, s1, want)
					}
				}
			}
		}
	}
	compare()
	for _, c := range []struct {
		path, body string
		user       int64
	}{
		{"/post", fmt.Sprintf(`{"user":%d,"text":"new"}`, writer), writer},
		{"/rename", fmt.Sprintf(`{"user":%d,"name":"Ada"}`, writer), writer},
		{"/follow", `{"user":3,"followee":4}`, 3},
	} {
		if status, answer := call(t, "POST", fast+c.path, token(c.user), c.body); status != http.StatusOK {
			t.Errorf("%s: %d %s", c.path, status, answer)
		}
		compare()
	}
	if status, answer := call(t, "POST", fast+"/unfollow", token(3), `{"user":3,"followee":4}`); status != http.StatusOK {
		t.Errorf("unfollow: %d %s", status, answer)
	}
	compare()
	for _, s := range c.Stats().Caches {
		if len(s.Strange) > 0 {
			t.Errorf("unexplained: %q", s.Strange)
		}
	}
}

// TestNewPost: the absence that was cached under an id ends when the id is given away.
func TestNewPost(t *testing.T) {
	db := database(t)
	url := serve(t, cached(t, db))
	id := people.Writers()*5 + 1
	if status, _ := call(t, "GET", fmt.Sprintf("%s/posts/%d", url, id), "", ""); status != http.StatusNotFound {
		t.Fatalf("the post exists already: %d", status)
	}
	if status, answer := call(t, "POST", url+"/post", token(people.Writer(2)), fmt.Sprintf(`{"user":%d,"text":"Hello"}`, people.Writer(2))); status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
	if status, answer := call(t, "GET", fmt.Sprintf("%s/posts/%d", url, id), "", ""); status != http.StatusOK || !strings.Contains(answer, "Hello") {
		t.Fatalf("%d %s", status, answer)
	}
}

// TestRefused: what is wrong with a request is said by name, with and without the cache.
func TestRefused(t *testing.T) {
	db := database(t)
	secret := people.Secret(1)
	for name, data := range map[string]service.Data{"plain": service.Plain{DB: db}, "cached": cached(t, db)} {
		url := serve(t, data)
		for _, c := range []struct {
			method, path, token, body string
			status                    int
			want                      string
		}{
			{"GET", "/feed/x", "", "", 400, "user: must be"},
			{"GET", "/feed/-1", "", "", 400, "user: must be"},
			{"GET", "/feed/4711", "", "", 404, "not found"},
			{"GET", "/posts/0", "", "", 400, "id: must be"},
			{"GET", "/auth", "", "", 401, "invalid token"},
			{"GET", "/auth", "Bearer 1", "", 401, "invalid token"},
			{"GET", "/auth", "Bearer 1.", "", 401, "invalid token"},
			{"GET", "/auth", "Bearer x." + secret, "", 401, "invalid token"},
			{"GET", "/auth", "Basic 1." + secret, "", 401, "invalid token"},
			{"GET", "/auth", "Bearer 1." + secret + "0", "", 401, "invalid token"},
			{"GET", "/auth", "Bearer 2." + secret, "", 401, "invalid token"},
			{"GET", "/auth", "Bearer 4711." + secret, "", 401, "invalid token"},
			{"GET", "/auth", "bearer 1." + secret, "", 200, `"unread"`},
			{"POST", "/post", token(1), `{"user":1}`, 400, "text: must not"},
			{"POST", "/post", token(1), `{"text":"x"}`, 400, "user: must be"},
			{"POST", "/post", token(1), `not json`, 400, "body: "},
			{"POST", "/post", token(1), `{"user":1,"text":"` + strings.Repeat("x", 1<<17) + `"}`, 400, "body: "},
			{"POST", "/rename", token(1), `{"user":1,"nme":"x"}`, 400, "nme"},
			{"POST", "/rename", token(1), `{"user":1}`, 400, "name: must not"},
			{"POST", "/follow", token(1), `{"user":1,"followee":1}`, 400, "followee: must be"},
			{"POST", "/post", token(2), `{"user":1,"text":"x"}`, 400, "user: must be the one whose token"},
			{"POST", "/post", "", `{"user":1,"text":"x"}`, 401, "invalid token"},
			{"POST", "/rename", "Bearer 2." + secret, `{"user":2,"name":"x"}`, 401, "invalid token"},
			{"POST", "/follow", "Bearer 4711." + secret, `{"user":4711,"followee":1}`, 401, "invalid token"},
			{"POST", "/unfollow", "", `{"user":1,"followee":2}`, 401, "invalid token"},
			{"POST", "/login", "", `{"user":1,"password":"x"}`, 401, "wrong password"},
			{"POST", "/login", "", `{"user":1}`, 401, "wrong password"},
			{"POST", "/login", "", `{"user":4711,"password":"` + password + `"}`, 404, "not found"},
			{"POST", "/logout", "", "", 401, "invalid token"},
			{"POST", "/logout", "Bearer 2." + secret, "", 401, "invalid token"},
			{"GET", "/post", "", "", 405, ""},
			{"GET", "/nowhere", "", "", 404, ""},
		} {
			status, answer := call(t, c.method, url+c.path, c.token, c.body)
			if status != c.status || !strings.Contains(answer, c.want) || strings.Contains(answer, secret) {
				t.Errorf("%s: %s %s %s: %d %s, want %d %s", name, c.method, c.path, c.body, status, answer, c.status, c.want)
			}
		}
	}
}

// TestHealth: it is never slow, though the look at the jobs takes seconds; before the first it says so.
func TestHealth(t *testing.T) {
	db := database(t)
	release := make(chan struct{})
	db.Delay(func(query string) time.Duration {
		if query == "jobs_stats" {
			<-release
		}
		return 0
	})
	c := cached(t, db)
	h, err := c.Health(t.Context())
	if err != nil || h.Status != "starting" {
		t.Fatalf("health is %+v: %v", h, err)
	}
	close(release)
	if err := c.Warm(t.Context(), nil, service.WarmOptions{}); err != nil {
		t.Fatal(err)
	}
	want, err := service.Plain{DB: db}.Health(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h, err = c.Health(t.Context())
	h.AgeMS = 0
	if err != nil || !reflect.DeepEqual(h, want) || len(h.Jobs) != 4 {
		t.Fatalf("health is %+v: %v, want %+v", h, err, want)
	}
}

// TestCalls: how many database calls the service makes, without the cache, with it cold, and with it warm.
func TestCalls(t *testing.T) {
	db := database(t)
	c := cached(t, db)
	if err := c.Warm(t.Context(), nil, service.WarmOptions{}); err != nil {
		t.Fatal(err)
	}
	calls := func(d service.Data, do func(service.Data) error) uint64 {
		t.Helper()
		before := db.Calls()
		if err := do(d); err != nil {
			t.Fatal(err)
		}
		return db.Calls() - before
	}
	feed := func(d service.Data) error { _, err := d.Feed(t.Context(), 1); return err }
	auth := func(d service.Data) error {
		_, err := d.Authenticate(context.Background(), 1, people.Secret(1))
		return err
	}
	followees := uint64(len(people.Following(1)))
	plain := service.Plain{DB: db}
	for _, step := range []struct {
		name      string
		got, want uint64
	}{
		{"plain auth", calls(plain, auth), 8},
		{"cold auth", calls(c, auth), 8},
		{"warm auth", calls(c, auth), 0},
		{"plain feed", calls(plain, feed), 1 + 2*followees},
		{"cold feed", calls(c, feed), 3},
		{"warm feed", calls(c, feed), 0},
	} {
		if step.got != step.want {
			t.Errorf("%s: %d database calls, want %d", step.name, step.got, step.want)
		}
	}
}

// The page shows all caches, and which users are asked for most; without a cache there is none.
func TestPage(t *testing.T) {
	url := serve(t, cached(t, database(t)))
	call(t, "GET", url+"/feed/1", "", "")
	status, answer := call(t, "GET", url+"/cache/stats", "", "")
	var s cachehttp.Snapshot
	if err := json.Unmarshal([]byte(answer), &s); err != nil || status != 200 {
		t.Fatal(status, err)
	}
	loads := map[string]uint64{}
	for _, c := range s.Caches {
		loads[c.Name] = c.Loads
	}
	if len(loads) != 13 || loads["following"] != 1 {
		t.Errorf("the page shows %v", loads)
	}
	status, answer = call(t, "GET", url+"/cache/stats?file=stats.js", "", "")
	if status != 200 || !strings.Contains(answer, "fetch(") {
		t.Errorf("its script is %d, %.50s", status, answer)
	}
	if status, _ := call(t, "GET", serve(t, service.Plain{DB: database(t)})+"/cache/stats", "", ""); status != 404 {
		t.Errorf("without a cache it answers %d", status)
	}
}

func TestStats(t *testing.T) {
	url := serve(t, cached(t, database(t)))
	call(t, "GET", url+"/feed/1", "", "")
	_, answer := call(t, "GET", url+"/cache/loads", "", "")
	var s struct {
		Caches map[string]struct {
			Requests, Loads uint64
			TTLSeconds      int
			LoadsExplained  map[string]int
		} `json:"caches"`
		Store struct {
			Breaker string
			Epoch   uint64
		} `json:"store"`
	}
	if err := json.Unmarshal([]byte(answer), &s); err != nil {
		t.Fatal(err)
	}
	if f := s.Caches["following"]; len(s.Caches) != 13 || f.Loads != 1 || f.LoadsExplained["cold"] != 1 || s.Store.Breaker != "closed" {
		t.Errorf("stats are %s", answer)
	}
	for name, ttl := range map[string]int{
		"users": 300, "user_profile": 180, "posts": 60, "posts_user": 120, "jobs": 300, "jobs_stats": 600, "messages": 30,
		"notifications": 30, "follower_count": 120, "settings": 180, "roles": 300,
	} {
		if s.Caches[name].TTLSeconds != ttl {
			t.Errorf("%s lives for %d s, want %d", name, s.Caches[name].TTLSeconds, ttl)
		}
	}
}
