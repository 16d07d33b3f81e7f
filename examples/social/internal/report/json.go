package report

import (
	"math"
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/examples/social/internal/load"
	"github.com/freshet-go/freshet/tiered"
)

type view struct {
	Passed     bool                   `json:"passed"`
	Seconds    float64                `json:"seconds"`
	Database   string                 `json:"database"`
	Redis      string                 `json:"redis"`
	Origin     string                 `json:"origin"`
	Latency    string                 `json:"origin_latency"`
	Users      string                 `json:"users"`
	Rate       float64                `json:"rate"`
	Workers    int                    `json:"workers"`
	Before     phaseView              `json:"before"`
	After      phaseView              `json:"after"`
	Saved      float64                `json:"db_calls_saved"`
	Warm       warmView               `json:"pre_warm"`
	HitRatios  map[string]tiersView   `json:"hit_ratios"`
	Loads      map[string]uint64      `json:"loads"`
	Caches     map[string]cache.Stats `json:"caches"`
	Store      tiered.Stats           `json:"store"`
	Compared   int                    `json:"compared_at_the_end"`
	Checks     []checkView            `json:"checks"`
	Complaints []string               `json:"complaints"`
}

type phaseView struct {
	Requests        int                    `json:"requests"`
	Seconds         float64                `json:"seconds"`
	DBCalls         uint64                 `json:"db_calls"`
	CallsPerRequest float64                `json:"db_calls_per_request"`
	Wrong           int                    `json:"stale_or_wrong"`
	Failed          int                    `json:"failed"`
	Endpoints       map[string]latencyView `json:"endpoints"`
}

type latencyView struct {
	Requests int     `json:"requests"`
	MeanMS   float64 `json:"mean_ms"`
	P50MS    float64 `json:"p50_ms"`
	P95MS    float64 `json:"p95_ms"`
	P99MS    float64 `json:"p99_ms"`
}

type warmView struct {
	Users   int    `json:"users"`
	Loads   uint64 `json:"loads"`
	DBCalls uint64 `json:"db_calls"`
}

type tiersView struct {
	Asked  uint64            `json:"asked"`
	Memory float64           `json:"memory"`
	Redis  float64           `json:"redis"`
	Joined float64           `json:"joined"`
	Loaded float64           `json:"loaded"`
	Why    map[string]uint64 `json:"loads"` // pre-warm included
}

type checkView struct {
	Name   string `json:"name"`
	Got    string `json:"got"`
	Target string `json:"target"`
	OK     bool   `json:"ok"`
}

// view is the report as JSON shows it.
func (r *Report) view() view {
	v := view{
		Passed: r.Passed, Seconds: round(r.Took.Seconds()), Database: r.Database, Redis: r.Redis, Origin: r.Origin,
		Latency: r.Latency, Users: r.Users, Rate: r.Rate, Workers: r.Workers, Before: viewPhase(r.Before),
		After: viewPhase(r.After), Saved: round(r.Saved()), Warm: warmView{r.Warm.Users, warmLoads(r.Warm), r.Warm.Calls},
		HitRatios: map[string]tiersView{}, Loads: r.Loads().Map(), Caches: map[string]cache.Stats{}, Store: r.Stats.Store,
		Compared: r.Compared, Checks: []checkView{}, Complaints: r.examples(),
	}
	for i, t := range r.Tiers() {
		part := func(n uint64) float64 { return round(float64(n) / float64(max(t.Asked, 1))) }
		why := v.Loads
		if i < len(r.Stats.Caches) {
			why = r.Stats.Caches[i].Loads.Map()
			v.Caches[t.Name] = r.Stats.Caches[i].Stats
		}
		v.HitRatios[t.Name] = tiersView{t.Asked, part(t.Memory), part(t.Redis), part(t.Joined), part(t.Loaded), why}
	}
	for _, c := range r.Checks {
		v.Checks = append(v.Checks, checkView{c.Name, c.Got, c.Want, c.OK})
	}
	return v
}

func viewPhase(p Phase) phaseView {
	v := phaseView{
		Requests: p.Requests, Seconds: round(p.Took.Seconds()), DBCalls: p.Calls, CallsPerRequest: round(p.PerRequest()),
		Wrong: p.Wrong, Failed: p.Failed, Endpoints: map[string]latencyView{},
	}
	for e, name := range load.Names {
		l := p.Latencies[e]
		milli := func(d time.Duration) float64 { return round(ms(d)) }
		v.Endpoints[name] = latencyView{len(l), milli(l.Mean()), milli(l.Quantile(.5)), milli(l.Quantile(.95)), milli(l.Quantile(.99))}
	}
	return v
}

func round(x float64) float64 { return math.Round(x*1e4) / 1e4 }
