package breaker

import "fmt"

// State is what a [Breaker] currently does with requests.
type State int

const (
	// Closed lets every request pass, and counts.
	Closed State = iota
	// Open refuses every request.
	Open
	// HalfOpen lets a few probes pass, to see whether the service is back.
	HalfOpen
)

// String returns "closed", "open" or "half-open".
func (s State) String() string {
	switch s {
	case Closed:
		return "closed"
	case Open:
		return "open"
	case HalfOpen:
		return "half-open"
	default:
		return fmt.Sprintf("State(%d)", int(s))
	}
}
