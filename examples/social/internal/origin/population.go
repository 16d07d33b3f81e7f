package origin

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
)

const (
	followeesMin = 8 // a user follows 8 to 15 writers, so that a feed takes 17 to 31 queries
	followeesMax = 15
	postsEach    = 5             // seeded posts of a writer, and posts of a writer in a feed
	epoch        = 1_750_000_000 // of seeded timestamps, Unix seconds
)

// Population is what a database is seeded with: users 1 to Users and all that is theirs, drawn from Seed alone. The
// same Population says later what the database must hold.
//
// One user in ten writes and is followed, the others only read: the participation inequality of online communities
// (the "90-9-1 rule").
type Population struct {
	Users     int
	Seed      uint64
	LoggedOut bool // nobody has a session, whose token the whole world could derive
}

// Writers is how many users write. They are spread over all ids, so that being busy and being followed are unrelated.
func (p Population) Writers() int { return max(p.Users/10, followeesMax+1) }

// Writer returns the n-th writer by popularity, from 0.
func (p Population) Writer(n int) int64 { return int64((n*(p.Users/p.Writers()))%p.Users) + 1 }

// IsWriter tells whether a user writes, and which writer by popularity that is.
func (p Population) IsWriter(user int64) (n int, ok bool) {
	step := p.Users / p.Writers()
	n = int(user-1) / step
	return n, int(user-1)%step == 0 && n < p.Writers()
}

// User returns a user as seeded.
func (p Population) User(id int64) User {
	return User{ID: id, Name: fmt.Sprintf("User %d", id), Handle: fmt.Sprintf("@u%d", id)}
}

// Profile returns a user's profile.
func (p Population) Profile(id int64) Profile {
	cities := [...]string{"Lagos", "Lima", "Oslo", "Osaka", "Porto", "Pune", "Quito", "Turin"}
	h := p.draw(id, 1)
	return Profile{
		User: id, Bio: fmt.Sprintf("I am user %d, and this is what I say of myself.", id),
		City: cities[h%uint64(len(cities))], Joined: epoch - int64(h>>8%100_000_000),
	}
}

// Settings returns a user's settings.
func (p Population) Settings(id int64) Settings {
	locales, themes := [...]string{"en", "es", "fr", "ja", "pt", "yo"}, [...]string{"dark", "light", "system"}
	h := p.draw(id, 6)
	return Settings{User: id, Locale: locales[h%6], Theme: themes[(h>>8)%3]}
}

// Roles returns a user's roles, in the order of their names: all are members, and some are more.
func (p Population) Roles(id int64) []string {
	all := []string{"member"}
	if p.draw(id, 7)%50 == 0 {
		all = append(all, "moderator")
	}
	if _, ok := p.IsWriter(id); ok {
		all = append(all, "writer")
	}
	return all
}

// Following returns whom a user follows, in the order of their ids. Popular writers are followed more.
func (p Population) Following(user int64) []int64 {
	want := followeesMin + int(p.draw(user, 2)%(followeesMax-followeesMin+1))
	var all []int64
	for salt := uint64(100); len(all) < want; salt++ {
		x := float64(p.draw(user, salt)>>11) / (1 << 53)
		w := p.Writer(int(float64(p.Writers()) * x * x))
		if w != user && !slices.Contains(all, w) {
			all = append(all, w)
		}
	}
	slices.Sort(all)
	return all
}

// Posts returns the seeded posts of a user, newest first.
func (p Population) Posts(user int64) []Post {
	n, ok := p.IsWriter(user)
	if !ok {
		return []Post{}
	}
	all := make([]Post, 0, postsEach)
	for i := postsEach; i > 0; i-- {
		id := int64(n*postsEach + i)
		all = append(all, Post{ID: id, Author: user, Text: fmt.Sprintf("Post %d of user %d: how the week went.", i, user), At: epoch + id})
	}
	return all
}

// Unread returns how many unread notifications a user is seeded with.
func (p Population) Unread(user int64) int { return int(p.draw(user, 3) % 4) }

// Messages returns a user's messages, newest first.
func (p Population) Messages(user int64) []Message {
	all := []Message{}
	for i := int64(p.draw(user, 4) % 4); i > 0; i-- {
		from := int64(p.draw(user, 10+uint64(i))%uint64(p.Users)) + 1
		all = append(all, Message{ID: user*4 + i, From: from, Text: fmt.Sprintf("Message %d to user %d", i, user)})
	}
	return all
}

// Jobs is how many jobs there are.
func (p Population) Jobs() int64 { return 2 * int64(p.Users) }

// Job returns the n-th job, from 1.
func (p Population) Job(n int64) Job {
	h := p.draw(n, 5)
	kinds := [...]string{"thumbnail", "mail", "index", "export"}
	states := [...]string{"done", "done", "done", "done", "done", "done", "running", "queued", "queued", "failed"}
	return Job{ID: n, Kind: kinds[h%4], State: states[(h>>4)%10], TookMS: int64(h >> 16 % 5000)}
}

// Secret returns the second half of a user's token, "user.secret". The database holds only its hash.
func (p Population) Secret(user int64) string {
	mac := hmac.New(sha256.New, binary.LittleEndian.AppendUint64([]byte("demo sessions "), p.Seed))
	mac.Write(binary.LittleEndian.AppendUint64(nil, uint64(user)))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// draw is a random number that belongs to one user and one purpose (splitmix64).
func (p Population) draw(id int64, salt uint64) uint64 {
	x := p.Seed*0x9e3779b97f4a7c15 + uint64(id)*0xbf58476d1ce4e5b9 + salt*0x94d049bb133111eb
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
