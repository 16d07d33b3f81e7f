package ttl

import (
	"strconv"
	"strings"
	"time"
)

// String describes the policy for logs, such as
// "5m jitter 10% stale-if-error 1h". What was not set is not mentioned; the
// zero Policy is "none". The format may change.
func (p Policy) String() string {
	s := p.s
	if s == nil {
		return "none"
	}
	var parts []string
	switch s.source {
	case fixedSource:
		parts = append(parts, short(s.fixed))
	case valueSource:
		parts = append(parts, "from "+s.valueType.String())
	default:
		parts = append(parts, "no freshness")
	}
	if s.atMostSet {
		parts = append(parts, "at most "+short(s.atMost))
	}
	if s.jitter != 0 {
		parts = append(parts, "jitter "+number(s.jitter*100)+"%")
	}
	if s.revalidate != 0 {
		parts = append(parts, "stale-while-revalidate "+short(s.revalidate))
	}
	if s.staleIfError != 0 {
		parts = append(parts, "stale-if-error "+short(s.staleIfError))
	}
	switch {
	case s.negativeSet && s.negative <= 0:
		parts = append(parts, "negative off")
	case s.negativeSet:
		parts = append(parts, "negative "+short(s.negative))
	}
	if s.beta != 0 {
		parts = append(parts, "early-refresh "+number(s.beta))
	}
	return strings.Join(parts, " ")
}

// short is d without its trailing zero units: "5m", not "5m0s".
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func number(f float64) string { return strconv.FormatFloat(f, 'g', 4, 64) }
