package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
)

// schema is the example's own: dropped and made anew by each run, and dropped at its end.
const schema = "freshet_pgx"

const tables = `
CREATE TABLE users (id bigint PRIMARY KEY, team text NOT NULL, name text NOT NULL UNIQUE);
CREATE TABLE renames (user_id bigint NOT NULL REFERENCES users, name text NOT NULL, at timestamptz NOT NULL DEFAULT now());
INSERT INTO users SELECT id, CASE WHEN id <= 50 THEN 'red' ELSE 'blue' END, 'user ' || id FROM generate_series(1, 200) AS id`

// connect opens a pool of connections to the tables, which are new.
func connect(ctx context.Context, url string) (pool *pgxpool.Pool, drop func() error, err error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil { // which may quote the URL, and that a password
		return nil, nil, errors.New("DATABASE_URL is malformed: want postgres://user:password@host:5432/name")
	}
	config.ConnConfig.RuntimeParams["search_path"] = schema
	if pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, nil, err
	}
	drop = func() error {
		defer pool.Close()
		_, err := pool.Exec(context.WithoutCancel(ctx), "DROP SCHEMA IF EXISTS "+schema+" CASCADE")
		return err
	}
	if _, err = pool.Exec(ctx, "DROP SCHEMA IF EXISTS "+schema+" CASCADE; CREATE SCHEMA "+schema+"; "+tables); err != nil {
		pool.Close()
		return nil, nil, fmt.Errorf("tables: %w", err)
	}
	return pool, drop, nil
}

// database returns the URL of a PostgreSQL: the one that DATABASE_URL names, or one that it starts on a socket in a
// temporary folder, and that stop ends.
func database(ctx context.Context) (url string, stop func() error, err error) {
	if url := os.Getenv("DATABASE_URL"); url != "" {
		return url, func() error { return nil }, nil
	}
	bin, err := binaries()
	if err != nil {
		return "", nil, err
	}
	made, err := asNobody(ctx, "mktemp", "-d").Output()
	if err != nil {
		return "", nil, fmt.Errorf("mktemp: %w", err)
	}
	dir := strings.TrimSpace(string(made))
	remove := func() error { return os.RemoveAll(dir) }
	pg := func(name string, args ...string) error {
		args = append([]string{"-D", dir + "/data"}, args...)
		if out, err := asNobody(context.WithoutCancel(ctx), filepath.Join(bin, name), args...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", name, err, out)
		}
		return nil
	}
	if err := pg("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"); err != nil {
		return "", nil, errors.Join(err, remove())
	}
	options := "-k " + dir + " -c listen_addresses='' -c fsync=off"
	if err := pg("pg_ctl", "-l", dir+"/log", "-w", "-o", options, "start"); err != nil {
		return "", nil, errors.Join(err, remove())
	}
	stop = func() error { return errors.Join(pg("pg_ctl", "-m", "fast", "-w", "stop"), remove()) }
	return "postgres://postgres@/postgres?host=" + dir, stop, nil
}

var errNoPostgres = errors.New("no PostgreSQL: set DATABASE_URL, or install it (initdb and pg_ctl, on PATH or in /usr/lib/postgresql)")

// binaries returns the folder of initdb and pg_ctl.
func binaries() (string, error) {
	candidates, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			candidates = append([]string{path}, candidates...)
		}
	}
	for _, path := range candidates {
		if dir := filepath.Dir(path); exists(filepath.Join(dir, "pg_ctl")) {
			return dir, nil
		}
	}
	return "", errNoPostgres
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// asNobody runs a command as somebody else where we are root, as whom PostgreSQL refuses to run.
func asNobody(ctx context.Context, name string, args ...string) *exec.Cmd {
	if os.Geteuid() == 0 {
		name, args = "runuser", append([]string{"-u", "nobody", "--", name}, args...)
	}
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = "/" // which everybody may enter
	return c
}
