package origin

// User is whom the others see.
type User struct {
	ID     int64  `json:"id"`
	Name   string `json:"name"`
	Handle string `json:"handle"`
}

// Profile is what a user says of himself.
type Profile struct {
	User   int64  `json:"user"`
	Bio    string `json:"bio"`
	City   string `json:"city"`
	Joined int64  `json:"joined"` // Unix seconds
}

// Settings are how a user wants to be shown things.
type Settings struct {
	User   int64  `json:"user"`
	Locale string `json:"locale"`
	Theme  string `json:"theme"`
}

// Post is what a writer wrote.
type Post struct {
	ID     int64  `json:"id"`
	Author int64  `json:"author"`
	Text   string `json:"text"`
	At     int64  `json:"at"` // Unix seconds
}

// Message is what one user wrote to another.
type Message struct {
	ID   int64  `json:"id"`
	From int64  `json:"from"`
	Text string `json:"text"`
}

// Session is what a bearer token is checked against.
type Session struct {
	User int64
	Hash []byte // SHA-256 of the secret
}

// Job is work in the background.
type Job struct {
	ID     int64  `json:"id"`
	Kind   string `json:"kind"`
	State  string `json:"state"`
	TookMS int64  `json:"took_ms"`
}

// JobStats sums the jobs of one state up.
type JobStats struct {
	State  string `json:"state"`
	Count  int64  `json:"count"`
	MeanMS int64  `json:"mean_ms"`
	MaxMS  int64  `json:"max_ms"`
}
