package judge

// State is the worst that happened to a reader's connections between the acknowledgement of an invalidation and a read.
type State uint8

const (
	// Up: nothing.
	Up State = iota
	// Link: messages were cut off, silent, lost or late, while Redis could be asked.
	Link
	// Away: Redis could not be asked either, or not always.
	Away
	// States is how many there are.
	States
)

func (s State) String() string { return [...]string{"link up", "link disturbed", "redis away"}[s] }

// Window is a disturbance: under way, or ended at an instant, in nanoseconds.
type Window struct {
	Active bool
	End    int64
}

// touches tells whether the disturbance, or what it leaves behind for a while, was there at since or later.
func (w Window) touches(since, after int64) bool {
	return w.Active || w.End != 0 && w.End+after > since
}

// Reader is what is known of a reader's node, as of its read.
type Reader struct {
	Link, Away Window
	Paused     Window // the process itself was stopped
	Void       Window // Redis lost acknowledged writes: a failover, or an old snapshot
	Unseen     Window // that happened behind an intact connection of the link
	Stall      int64  // how late goroutines have run lately, in nanoseconds
}
