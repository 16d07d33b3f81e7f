package origin

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Seed fills an empty database with a Population, in one transaction of inserts of many rows.
func (d *DB) Seed(ctx context.Context, p Population) error {
	tx, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("origin: seed: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	if err := d.fill(ctx, tx, p); err != nil {
		return fmt.Errorf("origin: seed: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("origin: seed: %w", err)
	}
	return nil
}

// fill inserts the rows, and then makes the indexes.
func (d *DB) fill(ctx context.Context, tx *sql.Tx, p Population) error {
	if err := seed(ctx, tx, p); err != nil {
		return err
	}
	after := slices.Clone(indexes)
	if d.postgres() { // the rows came with ids, which the sequences do not know of
		for _, t := range []string{"posts", "notifications"} {
			after = append(after, fmt.Sprintf("SELECT setval(pg_get_serial_sequence('%s', 'id'), (SELECT max(id) FROM %s))", t, t))
		}
	}
	for _, q := range append(after, "ANALYZE") {
		if _, err := tx.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

func seed(ctx context.Context, tx *sql.Tx, p Population) error {
	users := inserter{ctx: ctx, tx: tx, into: "users (id, name, handle)"}
	profiles := inserter{ctx: ctx, tx: tx, into: "profiles (user_id, bio, city, joined)"}
	settings := inserter{ctx: ctx, tx: tx, into: "settings (user_id, locale, theme)"}
	roles := inserter{ctx: ctx, tx: tx, into: "roles (user_id, role)"}
	sessions := inserter{ctx: ctx, tx: tx, into: "sessions (user_id, hash)"}
	follows := inserter{ctx: ctx, tx: tx, into: "follows (follower, followee)"}
	posts := inserter{ctx: ctx, tx: tx, into: "posts (id, author, text, at)"}
	notifications := inserter{ctx: ctx, tx: tx, into: "notifications (id, user_id, text, unread)"}
	messages := inserter{ctx: ctx, tx: tx, into: "messages (id, recipient, sender, text)"}
	jobs := inserter{ctx: ctx, tx: tx, into: "jobs (id, kind, state, took_ms)"}

	for id := int64(1); id <= int64(p.Users); id++ {
		u, f, s := p.User(id), p.Profile(id), p.Settings(id)
		users.add(u.ID, u.Name, u.Handle)
		profiles.add(f.User, f.Bio, f.City, f.Joined)
		settings.add(s.User, s.Locale, s.Theme)
		for _, role := range p.Roles(id) {
			roles.add(id, role)
		}
		if !p.LoggedOut {
			sessions.add(id, HashSecret(p.Secret(id)))
		}
		for _, followee := range p.Following(id) {
			follows.add(id, followee)
		}
		for _, t := range p.Posts(id) {
			posts.add(t.ID, t.Author, t.Text, t.At)
		}
		for i := range p.Unread(id) {
			notifications.add(id*4+int64(i), id, "Somebody liked your post.", 1)
		}
		for _, m := range p.Messages(id) {
			messages.add(m.ID, id, m.From, m.Text)
		}
	}
	for n := int64(1); n <= p.Jobs(); n++ {
		j := p.Job(n)
		jobs.add(j.ID, j.Kind, j.State, j.TookMS)
	}
	for _, i := range []*inserter{&users, &profiles, &settings, &roles, &sessions, &follows, &posts, &notifications, &messages, &jobs} {
		if i.flush(); i.err != nil {
			return fmt.Errorf("insert into %s: %w", i.into, i.err)
		}
	}
	return nil
}

// HashSecret is what the database holds of a token.
func HashSecret(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// inserter gathers rows and inserts many at once. Its first error ends it.
type inserter struct {
	ctx  context.Context
	tx   *sql.Tx
	into string
	stmt *sql.Stmt
	rows int
	args []any
	err  error
}

const rowsPerInsert = 250

func (i *inserter) add(row ...any) {
	i.args = append(i.args, row...)
	if i.rows++; i.rows == rowsPerInsert {
		i.flush()
	}
}

func (i *inserter) flush() {
	if i.err != nil || i.rows == 0 {
		return
	}
	query := "INSERT INTO " + i.into + " VALUES " + tuples(i.rows, len(i.args)/i.rows)
	switch {
	case i.rows < rowsPerInsert:
		_, i.err = i.tx.ExecContext(i.ctx, query, i.args...)
	case i.stmt == nil:
		if i.stmt, i.err = i.tx.PrepareContext(i.ctx, query); i.err != nil {
			return
		}
		fallthrough
	default:
		_, i.err = i.stmt.ExecContext(i.ctx, i.args...)
	}
	i.rows, i.args = 0, i.args[:0]
}

// tuples returns "($1,$2),($3,$4)" and so on, which both databases understand.
func tuples(rows, columns int) string {
	var b strings.Builder
	n := 0
	for r := range rows {
		if r > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('(')
		for c := range columns {
			if c > 0 {
				b.WriteByte(',')
			}
			n++
			b.WriteString("$" + strconv.Itoa(n))
		}
		b.WriteByte(')')
	}
	return b.String()
}
