package main

import (
	"context"
	"database/sql"
	"time"

	_ "modernc.org/sqlite" // SQLite in Go: no C library beside libposthog.
)

const schema = `
CREATE TABLE IF NOT EXISTS users (
	id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS workspaces (
	id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS members (
	workspace_id INTEGER NOT NULL, user_id INTEGER NOT NULL, PRIMARY KEY (workspace_id, user_id));
CREATE TABLE IF NOT EXISTS runtimes (
	id INTEGER PRIMARY KEY, workspace_id INTEGER NOT NULL, name TEXT NOT NULL,
	last_seen INTEGER NOT NULL, registrations INTEGER NOT NULL DEFAULT 1, UNIQUE (workspace_id, name));
CREATE TABLE IF NOT EXISTS issues (
	id INTEGER PRIMARY KEY, workspace_id INTEGER NOT NULL, title TEXT NOT NULL,
	first_executed_at INTEGER);
CREATE TABLE IF NOT EXISTS invites (
	id INTEGER PRIMARY KEY, workspace_id INTEGER NOT NULL, email TEXT NOT NULL,
	sent_at INTEGER NOT NULL, accepted_at INTEGER);`

// A store keeps the product's data. What happened for the first time is decided by the statement that
// makes it so, never by a look before it: of two that look at once, both would see nothing.
type store struct {
	db *sql.DB
}

func openStore(file string) (*store, error) {
	db, err := sql.Open("sqlite",
		"file:"+file+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	if _, err := db.Exec(schema); err != nil {
		db.Close()
		return nil, err
	}
	return &store{db}, nil
}

// user with this address, and whether it is new.
func (s *store) user(ctx context.Context, email string) (id int64, created bool, err error) {
	err = s.db.QueryRowContext(ctx,
		`INSERT INTO users (email) VALUES (?) ON CONFLICT DO NOTHING RETURNING id`, email).Scan(&id)
	if err != sql.ErrNoRows {
		return id, err == nil, err
	}
	err = s.db.QueryRowContext(ctx, `SELECT id FROM users WHERE email = ?`, email).Scan(&id)
	return id, false, err
}

// createWorkspace with its first member. It is there when this returns.
func (s *store) createWorkspace(ctx context.Context, name string, owner int64) (id int64, err error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback() // Does nothing after Commit.
	err = tx.QueryRowContext(ctx,
		`INSERT INTO workspaces (name) VALUES (?) RETURNING id`, name).Scan(&id)
	if err != nil {
		return 0, err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO members VALUES (?, ?)`, id, owner)
	if err != nil {
		return 0, err
	}
	return id, tx.Commit()
}

// registerRuntime, anew or again, and whether it is new: its first registration inserted the row.
func (s *store) registerRuntime(ctx context.Context, workspace int64, name string) (
	id int64, inserted bool, err error,
) {
	var registrations int64
	err = s.db.QueryRowContext(ctx,
		`INSERT INTO runtimes (workspace_id, name, last_seen) VALUES (?, ?, ?)
		ON CONFLICT (workspace_id, name) DO UPDATE
			SET last_seen = excluded.last_seen, registrations = registrations + 1
		RETURNING id, registrations`, workspace, name, time.Now().Unix()).Scan(&id, &registrations)
	return id, registrations == 1, err
}

func (s *store) createIssue(ctx context.Context, workspace int64, title string) (id int64, err error) {
	err = s.db.QueryRowContext(ctx,
		`INSERT INTO issues (workspace_id, title) VALUES (?, ?) RETURNING id`, workspace, title).Scan(&id)
	return id, err
}

// completeIssue, and whether that was the first time.
func (s *store) completeIssue(ctx context.Context, id int64) (workspace int64, first bool, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT workspace_id FROM issues WHERE id = ?`, id).Scan(&workspace)
	if err != nil {
		return 0, false, err
	}
	first, err = s.changed(ctx,
		`UPDATE issues SET first_executed_at = ? WHERE id = ? AND first_executed_at IS NULL`,
		time.Now().Unix(), id)
	return workspace, first, err
}

func (s *store) invite(ctx context.Context, workspace int64, email string) (id int64, err error) {
	err = s.db.QueryRowContext(ctx,
		`INSERT INTO invites (workspace_id, email, sent_at) VALUES (?, ?, ?) RETURNING id`,
		workspace, email, time.Now().Unix()).Scan(&id)
	return id, err
}

// acceptInvite, and whether that was the first time.
func (s *store) acceptInvite(ctx context.Context, id int64) (
	workspace int64, sent time.Time, first bool, err error,
) {
	var seconds int64
	err = s.db.QueryRowContext(ctx, `SELECT workspace_id, sent_at FROM invites WHERE id = ?`,
		id).Scan(&workspace, &seconds)
	if err != nil {
		return 0, time.Time{}, false, err
	}
	first, err = s.changed(ctx,
		`UPDATE invites SET accepted_at = ? WHERE id = ? AND accepted_at IS NULL`, time.Now().Unix(), id)
	return workspace, time.Unix(seconds, 0), first, err
}

func (s *store) changed(ctx context.Context, statement string, arguments ...any) (bool, error) {
	result, err := s.db.ExecContext(ctx, statement, arguments...)
	if err != nil {
		return false, err
	}
	rows, err := result.RowsAffected()
	return rows == 1, err
}
