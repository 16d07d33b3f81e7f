package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/examples/social/internal/audit"
	"github.com/freshet-go/freshet/examples/social/internal/load"
	"github.com/freshet-go/freshet/examples/social/internal/service"
)

// good is a run that meets all targets.
func good() *Report {
	r := &Report{Compared: 1, Wanted: 100}
	for e := range r.After.Latencies {
		r.Before.Latencies[e] = load.Latencies{time.Second}
		r.After.Latencies[e] = load.Latencies{time.Millisecond}
	}
	r.Before.Requests, r.Before.Calls = 100, 1000
	r.After.Requests, r.After.Calls = 100, 100
	c := service.Counted{Name: "users", Stats: cache.Stats{Requests: 10, MemoryHits: 9, Loads: 1, LoaderKeys: 1}}
	c.Loads[audit.Cold] = 1
	r.Stats.Caches = []service.Counted{c}
	r.Warm.Stats.Caches = []service.Counted{{Name: "users"}}
	return r
}

func TestJudge(t *testing.T) {
	r := good()
	if r.Judge(); !r.Passed {
		t.Fatalf("a good run failed: %+v", r.Checks)
	}
	slow := func(e int, d time.Duration) func(*Report) {
		return func(r *Report) { r.After.Latencies[e] = load.Latencies{d} }
	}
	for name, spoil := range map[string]func(*Report){
		"feed mean":                        slow(load.Feed, 61*time.Millisecond),
		"feed p50":                         slow(load.Feed, 2*time.Millisecond),
		"feed p95":                         slow(load.Feed, 61*time.Millisecond),
		"auth p99":                         slow(load.Auth, 51*time.Millisecond),
		"health p99":                       func(r *Report) { r.After.Latencies[load.Health] = nil },
		"database calls per request saved": func(r *Report) { r.After.Calls = 101 },
		"stale or wrong responses":         func(r *Report) { r.Before.Wrong = 1 },
		"failed requests":                  func(r *Report) { r.After.Failed = 1 },
		"unexplained loads":                func(r *Report) { r.Stats.Caches[0].Loads[audit.Unexplained]++ },
		"the caches' books":                func(r *Report) { r.Stats.Caches[0].Stats.Joined++ },
		"requests made in time":            func(r *Report) { r.Wanted = 101 },
		"mirror and database at the end":   func(r *Report) { r.Unproven = errors.New("different") },
	} {
		r := good()
		spoil(r)
		r.Judge()
		missed := false
		for _, c := range r.Checks {
			missed = missed || c.Name == name && !c.OK
		}
		if r.Passed || !missed {
			t.Errorf("%s is not missed: %+v", name, r.Checks)
		}
	}
	trace := good()
	trace.Trace, trace.After.Calls = true, 200
	if trace.Judge(); !trace.Passed {
		t.Errorf("80 %% are enough for a trace: %+v", trace.Checks)
	}
}

func TestPrint(t *testing.T) {
	r := good()
	r.Judge()
	var text, both bytes.Buffer
	if err := errors.Join(r.Print(&text, false), r.Print(&both, true)); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text.String(), "PASSED") || !strings.HasPrefix(both.String(), text.String()) {
		t.Errorf("printed:\n%s", both.String())
	}
	var v struct {
		Passed bool
		Checks []any
	}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(both.String(), text.String())), &v); err != nil || !v.Passed || len(v.Checks) != 12 {
		t.Errorf("JSON is %+v: %v", v, err)
	}
}
