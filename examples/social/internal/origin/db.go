// Package origin is the database behind the example: SQLite embedded, or PostgreSQL. Each exported method of DB that
// reads is one query, and counts as one call.
package origin

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// The PostgreSQL schemas that the example owns. They are two, so that no measuring drops what a service lives from.
const (
	passing = "freshet_social"         // dropped and made anew by Open, dropped by Close
	lasting = "freshet_social_service" // made by Keep where it is missing, and kept
)

// DB is the database. All methods may be called concurrently.
type DB struct {
	read    *sql.DB
	write   *sql.DB // SQLite has one writer at a time
	kind    string
	id      string
	latency Latency
	calls   atomic.Uint64
	cleanup func() error
}

// Open makes an empty database: with no url, SQLite in a temporary file, otherwise a schema of its own in the
// PostgreSQL that url leads to.
func Open(ctx context.Context, url string) (*DB, error) {
	open := openSQLite
	if url != "" {
		open = func() (*DB, error) { return openPassing(ctx, url) }
	}
	d, err := open()
	if err != nil {
		return nil, err
	}
	d.id = rand.Text()
	if err := d.define(ctx, d.write); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func openSQLite() (*DB, error) {
	dir, err := os.MkdirTemp("", "freshet-social-")
	if err != nil {
		return nil, fmt.Errorf("origin: SQLite: %w", err)
	}
	dsn := "file:" + filepath.Join(dir, "social.db") +
		"?_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)&_pragma=busy_timeout(10000)&_pragma=cache_size(-16000)&_txlock=immediate"
	read, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("origin: SQLite: %w", err)
	}
	write, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("origin: SQLite: %w", err)
	}
	read.SetMaxOpenConns(8)
	read.SetMaxIdleConns(8)
	write.SetMaxOpenConns(1)
	return &DB{
		read: read, write: write, kind: "SQLite (embedded)", latency: Real,
		cleanup: func() error { return errors.Join(read.Close(), write.Close(), os.RemoveAll(dir)) },
	}, nil
}

// CheckURL tells whether url could lead to a PostgreSQL; it does not connect.
func CheckURL(url string) error {
	_, err := parseURL(url)
	return err
}

// parseURL never returns pgx's own error: that one may quote the URL, which may hold a password.
func parseURL(url string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, errors.New("origin: malformed URL: want postgres://user:password@host:5432/name")
	}
	return config, nil
}

// openPostgres opens a pool of connections to a schema, and has prepare make that.
func openPostgres(url, schema string, prepare func(*DB) error) (*DB, error) {
	config, err := parseURL(url)
	if err != nil {
		return nil, err
	}
	config.RuntimeParams["search_path"] = schema
	pool := stdlib.OpenDB(*config)
	pool.SetMaxOpenConns(16)
	pool.SetMaxIdleConns(16)
	d := &DB{read: pool, write: pool, kind: "PostgreSQL", latency: Real, cleanup: pool.Close}
	if err := prepare(d); err != nil {
		_ = pool.Close()
		return nil, fmt.Errorf("origin: PostgreSQL at %s:%d: %w", config.Host, config.Port, err)
	}
	return d, nil
}

func openPassing(ctx context.Context, url string) (*DB, error) {
	return openPostgres(url, passing, func(d *DB) error {
		for _, q := range []string{"DROP SCHEMA IF EXISTS " + passing + " CASCADE", "CREATE SCHEMA " + passing} {
			if _, err := d.write.ExecContext(ctx, q); err != nil {
				return err
			}
		}
		d.cleanup = func() error {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			_, err := d.write.ExecContext(ctx, "DROP SCHEMA IF EXISTS "+passing+" CASCADE")
			return errors.Join(err, d.write.Close())
		}
		return nil
	})
}

// ID is of the data: what is cached of one database is not of another.
func (d *DB) ID() string { return d.id }

// Kind names the database for people.
func (d *DB) Kind() string { return d.kind }

// Delay sets the latency of all queries from now on. It must not be called while there are any.
func (d *DB) Delay(l Latency) { d.latency = l }

// Calls returns how many calls the database has got: one for each query, and for each statement that writes.
func (d *DB) Calls() uint64 { return d.calls.Load() }

// Close drops what Open made, and leaves what Keep opened.
func (d *DB) Close() error { return d.cleanup() }

// call is the beginning of every call.
func (d *DB) call(ctx context.Context, name string) error {
	d.calls.Add(1)
	if err := pass(ctx, d.latency(name)); err != nil {
		return fmt.Errorf("origin: %s: %w", name, err)
	}
	return nil
}

// each runs a query and calls scan for each row.
func (d *DB) each(ctx context.Context, name, query string, args []any, scan func(*sql.Rows) error) error {
	if err := d.call(ctx, name); err != nil {
		return err
	}
	rows, err := d.read.QueryContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("origin: %s: %w", name, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return fmt.Errorf("origin: %s: %w", name, err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("origin: %s: %w", name, err)
	}
	return nil
}
