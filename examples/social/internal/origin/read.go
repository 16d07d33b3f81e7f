package origin

import (
	"context"
	"database/sql"
)

// in returns " IN ($1,$2,…)" and its arguments.
func in(ids []int64) (string, []any) {
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	return " IN " + tuples(1, len(ids)), args
}

// Users returns users by id. Who does not exist is absent.
func (d *DB) Users(ctx context.Context, ids []int64) (map[int64]User, error) {
	list, args := in(ids)
	out := make(map[int64]User, len(ids))
	return out, d.each(ctx, "users", "SELECT id, name, handle FROM users WHERE id"+list, args, func(r *sql.Rows) error {
		var u User
		err := r.Scan(&u.ID, &u.Name, &u.Handle)
		out[u.ID] = u
		return err
	})
}

// Profiles returns profiles by user.
func (d *DB) Profiles(ctx context.Context, users []int64) (map[int64]Profile, error) {
	list, args := in(users)
	out := make(map[int64]Profile, len(users))
	return out, d.each(ctx, "user_profile", "SELECT user_id, bio, city, joined FROM profiles WHERE user_id"+list, args, func(r *sql.Rows) error {
		var p Profile
		err := r.Scan(&p.User, &p.Bio, &p.City, &p.Joined)
		out[p.User] = p
		return err
	})
}

// Settings returns settings by user.
func (d *DB) Settings(ctx context.Context, users []int64) (map[int64]Settings, error) {
	list, args := in(users)
	out := make(map[int64]Settings, len(users))
	return out, d.each(ctx, "settings", "SELECT user_id, locale, theme FROM settings WHERE user_id"+list, args, func(r *sql.Rows) error {
		var s Settings
		err := r.Scan(&s.User, &s.Locale, &s.Theme)
		out[s.User] = s
		return err
	})
}

// Roles returns users' roles, in the order of their names.
func (d *DB) Roles(ctx context.Context, users []int64) (map[int64][]string, error) {
	list, args := in(users)
	out := make(map[int64][]string, len(users))
	for _, u := range users {
		out[u] = []string{}
	}
	return out, d.each(ctx, "roles", "SELECT user_id, role FROM roles WHERE user_id"+list+" ORDER BY user_id, role", args, func(r *sql.Rows) error {
		var user int64
		var role string
		err := r.Scan(&user, &role)
		out[user] = append(out[user], role)
		return err
	})
}

// Sessions returns sessions by user.
func (d *DB) Sessions(ctx context.Context, users []int64) (map[int64]Session, error) {
	list, args := in(users)
	out := make(map[int64]Session, len(users))
	return out, d.each(ctx, "sessions", "SELECT user_id, hash FROM sessions WHERE user_id"+list, args, func(r *sql.Rows) error {
		var s Session
		err := r.Scan(&s.User, &s.Hash)
		out[s.User] = s
		return err
	})
}

// Following returns whom users follow, in the order of their ids.
func (d *DB) Following(ctx context.Context, users []int64) (map[int64][]int64, error) {
	list, args := in(users)
	out := make(map[int64][]int64, len(users))
	for _, u := range users {
		out[u] = []int64{}
	}
	return out, d.each(ctx, "following", "SELECT follower, followee FROM follows WHERE follower"+list+" ORDER BY follower, followee", args, func(r *sql.Rows) error {
		var user, followee int64
		err := r.Scan(&user, &followee)
		out[user] = append(out[user], followee)
		return err
	})
}

// Followers returns how many follow each user.
func (d *DB) Followers(ctx context.Context, users []int64) (map[int64]int, error) {
	list, args := in(users)
	out := make(map[int64]int, len(users))
	for _, u := range users {
		out[u] = 0
	}
	return out, d.each(ctx, "follower_count", "SELECT followee, count(*) FROM follows WHERE followee"+list+" GROUP BY followee", args, func(r *sql.Rows) error {
		var user int64
		var n int
		err := r.Scan(&user, &n)
		out[user] = n
		return err
	})
}

// PostsOf returns the five newest posts of each author, newest first.
func (d *DB) PostsOf(ctx context.Context, authors []int64) (map[int64][]Post, error) {
	list, args := in(authors)
	out := make(map[int64][]Post, len(authors))
	for _, a := range authors {
		out[a] = []Post{}
	}
	const newest = "SELECT id, author, text, at FROM (SELECT id, author, text, at, row_number() OVER (PARTITION BY author ORDER BY id DESC) AS n FROM posts WHERE author"
	return out, d.each(ctx, "posts_user", newest+list+") AS ranked WHERE n <= 5 ORDER BY id DESC", args, func(r *sql.Rows) error {
		var p Post
		err := r.Scan(&p.ID, &p.Author, &p.Text, &p.At)
		out[p.Author] = append(out[p.Author], p)
		return err
	})
}

// Post returns one post, or sql.ErrNoRows.
func (d *DB) Post(ctx context.Context, id int64) (Post, error) {
	var p Post
	err := d.each(ctx, "posts", "SELECT id, author, text, at FROM posts WHERE id = $1", []any{id}, func(r *sql.Rows) error {
		return r.Scan(&p.ID, &p.Author, &p.Text, &p.At)
	})
	if err == nil && p.ID == 0 {
		err = sql.ErrNoRows
	}
	return p, err
}

// Unread returns how many unread notifications users have.
func (d *DB) Unread(ctx context.Context, users []int64) (map[int64]int, error) {
	list, args := in(users)
	out := make(map[int64]int, len(users))
	for _, u := range users {
		out[u] = 0
	}
	return out, d.each(ctx, "notifications", "SELECT user_id, count(*) FROM notifications WHERE unread = 1 AND user_id"+list+" GROUP BY user_id", args, func(r *sql.Rows) error {
		var user int64
		var n int
		err := r.Scan(&user, &n)
		out[user] = n
		return err
	})
}

// Messages returns users' messages, newest first.
func (d *DB) Messages(ctx context.Context, users []int64) (map[int64][]Message, error) {
	list, args := in(users)
	out := make(map[int64][]Message, len(users))
	for _, u := range users {
		out[u] = []Message{}
	}
	return out, d.each(ctx, "messages", "SELECT recipient, id, sender, text FROM messages WHERE recipient"+list+" ORDER BY id DESC", args, func(r *sql.Rows) error {
		var user int64
		var m Message
		err := r.Scan(&user, &m.ID, &m.From, &m.Text)
		out[user] = append(out[user], m)
		return err
	})
}

// Jobs returns the newest jobs of a state.
func (d *DB) Jobs(ctx context.Context, state string) ([]Job, error) {
	all := []Job{}
	return all, d.each(ctx, "jobs", "SELECT id, kind, state, took_ms FROM jobs WHERE state = $1 ORDER BY id DESC LIMIT 5", []any{state}, func(r *sql.Rows) error {
		var j Job
		err := r.Scan(&j.ID, &j.Kind, &j.State, &j.TookMS)
		all = append(all, j)
		return err
	})
}

// JobStats sums all jobs up, by state.
func (d *DB) JobStats(ctx context.Context) ([]JobStats, error) {
	all := []JobStats{}
	return all, d.each(ctx, "jobs_stats", "SELECT state, count(*), CAST(sum(took_ms) AS BIGINT) / count(*), max(took_ms) FROM jobs GROUP BY state ORDER BY state", nil, func(r *sql.Rows) error {
		var s JobStats
		err := r.Scan(&s.State, &s.Count, &s.MeanMS, &s.MaxMS)
		all = append(all, s)
		return err
	})
}
