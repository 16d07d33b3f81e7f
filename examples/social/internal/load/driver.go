// Package load drives the service over HTTP, measures it, and compares every response with the database's truth.
package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/freshet-go/freshet/examples/social/internal/origin"
	"github.com/freshet-go/freshet/examples/social/internal/service"
)

// Driver sends requests to a service.
type Driver struct {
	Base       string // URL
	Population origin.Population
	Mirror     *Mirror
	Health     service.Health // what the database says of the jobs
	Users      Users
	Seed       uint64

	client  *http.Client
	written atomic.Int64
}

// Plan bounds a phase.
type Plan struct {
	Workers int
	Rate    float64       // requests per second; 0: as fast as the workers can
	For     time.Duration // no request begins later; 0: when the users are through
}

// Run sends the requests of Users, in their order, and returns when all were answered.
func (d *Driver) Run(ctx context.Context, p Plan) Result {
	d.client = &http.Client{
		Timeout:   30 * time.Second,
		Transport: &http.Transport{MaxIdleConns: p.Workers, MaxIdleConnsPerHost: p.Workers, DisableCompression: true},
	}
	defer d.client.CloseIdleConnections()
	var next atomic.Int64
	var mu sync.Mutex
	var total Result
	var workers sync.WaitGroup
	start := time.Now()
	for range p.Workers {
		workers.Go(func() {
			var r Result
			for {
				i := int(next.Add(1)) - 1
				if i >= len(d.Users.IDs) || ctx.Err() != nil {
					break
				}
				if p.Rate > 0 {
					time.Sleep(time.Until(start.Add(time.Duration(float64(i) / p.Rate * float64(time.Second)))))
				}
				if p.For > 0 && time.Since(start) >= p.For {
					break
				}
				d.request(ctx, i, &r)
			}
			mu.Lock()
			defer mu.Unlock()
			total.add(r)
		})
	}
	workers.Wait()
	total.Took = time.Since(start)
	total.sort()
	return total
}

func (r *Result) add(s Result) {
	for e := range r.Latencies {
		r.Latencies[e] = append(r.Latencies[e], s.Latencies[e]...)
	}
	r.Requests += s.Requests
	r.Wrong += s.Wrong
	r.Failed += s.Failed
	r.Examples = append(r.Examples, s.Examples...)
}

// The mix, in thousandths: the rest is feeds.
const (
	writes = 10
	health = 20
	posts  = 20
	auth   = 150
)

// request makes the i-th request.
func (d *Driver) request(ctx context.Context, i int, r *Result) {
	user := d.Users.IDs[i]
	h := mix(d.Seed, uint64(i))
	endpoint, err := Feed, error(nil)
	var took time.Duration
	switch n := h % 1000; {
	case n < writes:
		endpoint = Write
		took, err = d.write(ctx, user, h>>10)
	case n < writes+health:
		endpoint = Health
		took, err = d.health(ctx)
	case n < writes+health+posts:
		endpoint = Post
		took, err = d.article(ctx, h>>10)
	case n < writes+health+posts+auth:
		endpoint = Auth
		took, err = d.auth(ctx, user)
	default:
		took, err = d.feed(ctx, user)
	}
	if ctx.Err() != nil {
		return // cut short
	}
	r.Requests++
	r.Latencies[endpoint] = append(r.Latencies[endpoint], took)
	if err == nil {
		return
	}
	var wrong wrongError
	if errors.As(err, &wrong) {
		r.Wrong++
	} else {
		r.Failed++
	}
	if len(r.Examples) < 3 {
		r.Examples = append(r.Examples, fmt.Sprintf("%s, request %d: %v", Names[endpoint], i, err))
	}
}

// wrongError is about a response that does not equal the database's truth.
type wrongError struct{ error }

func wrong(err error) error {
	if err == nil {
		return nil
	}
	return wrongError{fmt.Errorf("wrong: %w", err)}
}

func (d *Driver) feed(ctx context.Context, user int64) (time.Duration, error) {
	var f service.Feed
	start, end, err := d.call(ctx, "GET", fmt.Sprintf("/feed/%d", user), "", nil, &f)
	if err == nil {
		err = wrong(d.Mirror.Feed(f, user, start, end))
	}
	return end.Sub(start), err
}

func (d *Driver) auth(ctx context.Context, user int64) (time.Duration, error) {
	var a service.Account
	start, end, err := d.call(ctx, "GET", "/auth", d.token(user), nil, &a)
	if err == nil {
		err = wrong(d.Mirror.Account(a, user, start, end))
	}
	return end.Sub(start), err
}

// token is that of the session which the user was seeded with.
func (d *Driver) token(user int64) string {
	return fmt.Sprintf("%d.%s", user, d.Population.Secret(user))
}

func (d *Driver) health(ctx context.Context) (time.Duration, error) {
	var h service.Health
	start, end, err := d.call(ctx, "GET", "/health", "", nil, &h)
	if err == nil {
		err = wrong(d.Mirror.Health(h, d.Health))
	}
	return end.Sub(start), err
}

// article asks for the newest post of some writer.
func (d *Driver) article(ctx context.Context, h uint64) (time.Duration, error) {
	writer := d.Population.Writer(int(h % uint64(d.Population.Writers())))
	newest := d.Mirror.posts.latest(writer)[0]
	if newest.ID == 0 { // its write is under way
		newest = d.Population.Posts(writer)[0]
	}
	var a service.Article
	start, end, err := d.call(ctx, "GET", fmt.Sprintf("/posts/%d", newest.ID), "", nil, &a)
	if err == nil {
		err = wrong(d.Mirror.Article(a, newest, start, end))
	}
	return end.Sub(start), err
}

// call makes one request. end is when the whole answer was here; it is decoded after that.
func (d *Driver) call(ctx context.Context, method, path, token string, body, answer any) (start, end time.Time, err error) {
	var reader io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return start, end, err
		}
		reader = bytes.NewReader(b)
	}
	request, err := http.NewRequestWithContext(ctx, method, d.Base+path, reader)
	if err != nil {
		return start, end, err
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	start = time.Now()
	response, err := d.client.Do(request)
	if err != nil {
		return start, time.Now(), err
	}
	b, err := io.ReadAll(response.Body)
	end = time.Now()
	_ = response.Body.Close()
	if err != nil {
		return start, end, err
	}
	if response.StatusCode != http.StatusOK {
		return start, end, fmt.Errorf("%s %s: %s: %s", method, path, response.Status, bytes.TrimSpace(b))
	}
	if err := json.Unmarshal(b, answer); err != nil {
		return start, end, fmt.Errorf("%s %s: %w", method, path, err)
	}
	return start, end, nil
}

// mix is a random number that belongs to one request (splitmix64).
func mix(seed, i uint64) uint64 {
	x := seed*0xd1342543de82ef95 + (i+1)*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
