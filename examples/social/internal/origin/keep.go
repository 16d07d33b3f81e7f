package origin

import (
	"context"
	"crypto/rand"
	"fmt"
)

// Keep opens a database that lasts, in a schema of its own in the PostgreSQL that url leads to. The first to open it fills
// it with p; what was written since is there for all others. Services may open it at the same time.
func Keep(ctx context.Context, url string, p Population) (*DB, error) {
	return openPostgres(url, lasting, func(d *DB) error { return d.keep(ctx, p) })
}

// keep makes all or nothing in one transaction, and one service at a time looks whether there is something to make.
func (d *DB) keep(ctx context.Context, p Population) error {
	tx, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(hashtext($1))", lasting); err != nil {
		return err
	}
	var made bool
	if err := tx.QueryRowContext(ctx, "SELECT to_regclass($1) IS NOT NULL", lasting+".identity").Scan(&made); err != nil {
		return err
	}
	if made {
		if err := tx.QueryRowContext(ctx, "SELECT id FROM identity").Scan(&d.id); err != nil {
			return fmt.Errorf("identity: %w", err)
		}
		return tx.Commit()
	}
	for _, q := range []string{"CREATE SCHEMA " + lasting, "CREATE TABLE identity (id TEXT NOT NULL)"} {
		if _, err := tx.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	if err := d.define(ctx, tx); err != nil {
		return err
	}
	if err := d.fill(ctx, tx, p); err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	d.id = rand.Text()
	if _, err := tx.ExecContext(ctx, "INSERT INTO identity VALUES ($1)", d.id); err != nil {
		return err
	}
	return tx.Commit()
}
