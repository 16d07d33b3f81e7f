package scenario

import (
	"fmt"
	"math"
	"strconv"

	"github.com/freshet-go/freshet/benchmarks/peers/lab"
)

// How a Target looks at a metric of Lib.
const (
	itself     = ""
	times      = "×" // the metric of Against, round by round
	difference = "−"
)

// Target is what a metric of Lib should be, by itself or beside that of another entrant of the same bout.
type Target struct {
	Lib, Metric string
	relation    string
	Against     string
	AtMost      bool // otherwise Limit is the least
	Limit       float64
}

func atMost(lib, metric string, limit float64) Target {
	return Target{Lib: lib, Metric: metric, AtMost: true, Limit: limit}
}

func (t Target) of(against string) Target {
	t.relation, t.Against = times, against
	return t
}

func atMostTimes(limit float64, lib, metric, against string) Target {
	return atMost(lib, metric, limit).of(against)
}

func atLeastTimes(limit float64, lib, metric, against string) Target {
	return Target{Lib: lib, Metric: metric, Limit: limit}.of(against)
}

// atLeastLess is at least the metric of against, less limit.
func atLeastLess(limit float64, lib, metric, against string) Target {
	return Target{Lib: lib, Metric: metric, relation: difference, Against: against, Limit: -limit}
}

// Reached returns what there was to reach, and whether it was.
func (t Target) Reached(r Result) (value float64, ok bool) {
	var values []float64
	for round, s := range r.Samples[t.Lib] {
		v, has := s[t.Metric]
		if !has {
			continue
		}
		if t.relation != itself {
			others := r.Samples[t.Against]
			if round >= len(others) {
				continue
			}
			other, has := others[round][t.Metric]
			switch {
			case !has:
				continue
			case t.relation == times:
				v /= other
			default:
				v -= other
			}
		}
		values = append(values, v)
	}
	value = lab.Median(values)
	if t.AtMost {
		return value, value <= t.Limit
	}
	return value, value >= t.Limit // NaN reaches nothing
}

// String says what is to be reached.
func (t Target) String() string {
	sign := "≥"
	if t.AtMost {
		sign = "≤"
	}
	limit := strconv.FormatFloat(math.Abs(t.Limit), 'g', 6, 64)
	switch t.relation {
	case times:
		return fmt.Sprintf("%s %s %s %s × %s", t.Lib, t.Metric, sign, limit, t.Against)
	case difference:
		return fmt.Sprintf("%s %s %s %s − %s", t.Lib, t.Metric, sign, t.Against, limit)
	}
	return fmt.Sprintf("%s %s %s %s", t.Lib, t.Metric, sign, limit)
}
