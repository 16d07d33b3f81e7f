package origin

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// These insert nothing where a user does not exist.
const (
	addPost = "INSERT INTO posts (author, text, at) SELECT id, CAST($2 AS TEXT), CAST($3 AS BIGINT) FROM users WHERE id = $1 RETURNING id"
	login   = "INSERT INTO sessions (user_id, hash) SELECT id, $2 FROM users WHERE id = $1 ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash"
	follow  = "INSERT INTO follows (follower, followee) SELECT a.id, b.id FROM users a, users b WHERE a.id = $1 AND b.id = $2 ON CONFLICT DO NOTHING"
)

// AddPost adds a post. It returns sql.ErrNoRows if there is no such author.
func (d *DB) AddPost(ctx context.Context, author int64, text string) (Post, error) {
	p := Post{Author: author, Text: text, At: time.Now().Unix()}
	if err := d.call(ctx, "post"); err != nil {
		return Post{}, err
	}
	err := d.write.QueryRowContext(ctx, addPost, p.Author, p.Text, p.At).Scan(&p.ID)
	if err != nil {
		return Post{}, fmt.Errorf("origin: post: %w", err)
	}
	return p, nil
}

// Rename gives a user a new name. It returns sql.ErrNoRows if there is no such user.
func (d *DB) Rename(ctx context.Context, user int64, name string) error {
	if err := d.call(ctx, "rename"); err != nil {
		return err
	}
	result, err := d.write.ExecContext(ctx, "UPDATE users SET name = $1 WHERE id = $2", name, user)
	return d.some("rename", result, err)
}

// Login makes a secret of this hash the user's only one. It returns sql.ErrNoRows if there is no such user.
func (d *DB) Login(ctx context.Context, user int64, hash []byte) error {
	if err := d.call(ctx, "login"); err != nil {
		return err
	}
	result, err := d.write.ExecContext(ctx, login, user, hash)
	return d.some("login", result, err)
}

// Logout ends the session whose secret has this hash, and no later one. To end none is no error.
func (d *DB) Logout(ctx context.Context, user int64, hash []byte) error {
	if err := d.call(ctx, "logout"); err != nil {
		return err
	}
	if _, err := d.write.ExecContext(ctx, "DELETE FROM sessions WHERE user_id = $1 AND hash = $2", user, hash); err != nil {
		return fmt.Errorf("origin: logout: %w", err)
	}
	return nil
}

// some is the end of a write that must change something.
func (*DB) some(name string, result sql.Result, err error) error {
	if err != nil {
		return fmt.Errorf("origin: %s: %w", name, err)
	}
	if n, err := result.RowsAffected(); err == nil && n == 0 {
		return fmt.Errorf("origin: %s: %w", name, sql.ErrNoRows)
	}
	return nil
}

// Follow makes a user follow another, who is notified, in one transaction. To follow again, or somebody who does not
// exist, changes nothing.
func (d *DB) Follow(ctx context.Context, user, followee int64) error {
	return d.transact(ctx, "follow", func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, follow, user, followee)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return err
		}
		if err := d.call(ctx, "notify"); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO notifications (user_id, text, unread) VALUES ($1, $2, 1)", followee, fmt.Sprintf("User %d follows you.", user))
		return err
	})
}

// Unfollow undoes Follow, but for the notification.
func (d *DB) Unfollow(ctx context.Context, user, followee int64) error {
	return d.transact(ctx, "unfollow", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM follows WHERE follower = $1 AND followee = $2", user, followee)
		return err
	})
}

// transact waits for the first statement's latency before it takes a connection: SQLite has one writer.
func (d *DB) transact(ctx context.Context, name string, do func(*sql.Tx) error) error {
	if err := d.call(ctx, name); err != nil {
		return err
	}
	tx, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("origin: %s: %w", name, err)
	}
	defer func() { _ = tx.Rollback() }()
	if err := do(tx); err != nil {
		return fmt.Errorf("origin: %s: %w", name, err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("origin: %s: %w", name, err)
	}
	return nil
}
