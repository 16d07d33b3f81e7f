package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9/logging"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv("SOCIAL_TEST_MAIN") != "" { // a process of its own: see start
		main()
	}
	logging.Disable() // the client reports every failed dial
	goleak.VerifyTestMain(m)
}

func none(string) string { return "" }

// environ is an environment in which nothing else is set.
func environ(pairs ...string) func(string) string {
	m := map[string]string{}
	for _, p := range pairs {
		name, value, _ := strings.Cut(p, "=")
		m[name] = value
	}
	return func(name string) string { return m[name] }
}

// TestFlagsRefused: bad settings end the program at the start, by name, with exit code 2.
func TestFlagsRefused(t *testing.T) {
	for args, want := range map[string]string{
		"-nonsense":              "-nonsense",
		"-origin slow":           `-origin is "slow"`,
		"-requests -1":           "-requests is -1",
		"-requests x":            "-requests",
		"-workers 0":             "-workers is 0",
		"-users 5":               "-users is 5",
		"-warm -3":               "-warm is -3",
		"-rate 0":                "-rate is 0",
		"-rate NaN":              "-rate is NaN",
		"-duration 0s":           "-duration is 0s",
		"-duration never":        "-duration",
		"-before 2h":             "-before is 2h",
		"-seed -1":               "-seed",
		"-addr nowhere":          `-addr is "nowhere"`,
		"-addr :http":            `-addr is ":http"`,
		"-addr :99999":           `-addr is ":99999"`,
		"-trace nowhere.gz":      "-trace: stat nowhere.gz",
		"-trace .":               `-trace is "."`,
		"-serve -json":           "-json",
		"-verify -json":          "-json is another report",
		"-verify -serve":         "want one of them",
		"-serve -ready":          "want one of them",
		"-warm-rate -1":          "-warm-rate is -1",
		"-workers 61":            "-workers is 61: the service takes 60 requests at once",
		"-serve -trace main.go":  "-trace is for measuring",
		"serve":                  `"serve": not a flag`,
		"-users 5 -warm -3":      "-warm is -3", // all faults at once
		"-trace main.go -rate 0": "-rate is 0",
	} {
		var out, errs buffer
		code := run(t.Context(), strings.Fields(args), none, &out, &errs)
		if code != 2 || !strings.Contains(errs.String(), want) || out.String() != "" {
			t.Errorf("%s: exit %d, %q, want %q", args, code, errs.String(), want)
		}
	}
}

// TestEnvironmentRefused: so does a bad environment, all faults at once and beside those of the flags.
func TestEnvironmentRefused(t *testing.T) {
	var out, errs buffer
	env := environ("WEB_CONCURRENCY=none", "WEB_THREADS=0", "WEB_QUEUE=-1", "WEB_TIMEOUT=1.5", "PORT=http", "DEMO_PASSWORD=hush")
	code := run(t.Context(), []string{"-serve", "-users", "5"}, env, &out, &errs)
	require.Equal(t, 2, code)
	for _, want := range []string{
		`WEB_CONCURRENCY is "none"`, `WEB_THREADS is "0"`, `WEB_QUEUE is "-1"`, `WEB_TIMEOUT is "1.5"`, `PORT is "http"`,
		"DEMO_PASSWORD is too short", "-users is 5",
	} {
		require.Contains(t, errs.String(), want)
	}
	require.NotContains(t, errs.String(), "hush")
	require.NotContains(t, errs.String(), "-addr is")
}

// TestURLsRefused: so do URLs, and no password in them is shown.
func TestURLsRefused(t *testing.T) {
	for database, redis := range map[string]string{
		"postgres://u:hush@127.0.0.1:port/x": "http://u:hush@127.0.0.1:1",
		"mysql://u:hush@127.0.0.1/x":         "redis://u:hush@127.0.0.1:port",
	} {
		var out, errs buffer
		code := run(t.Context(), []string{"-serve", "-users", "5"}, environ("DATABASE_URL="+database, "REDIS_URL="+redis), &out, &errs)
		require.Equal(t, 2, code)
		for _, want := range []string{"DATABASE_URL: ", "REDIS_URL: ", "-users is 5"} {
			require.Contains(t, errs.String(), want)
		}
		require.NotContains(t, errs.String(), "hush")
	}
}

func TestPort(t *testing.T) {
	s, err := parse(nil, environ("PORT=1234"), io.Discard)
	require.NoError(t, err)
	require.Equal(t, "0.0.0.0:1234", s.addr)
	s, err = parse([]string{"-addr", ":5"}, environ("PORT=1234"), io.Discard)
	require.NoError(t, err)
	require.Equal(t, ":5", s.addr)
}

func TestHelp(t *testing.T) {
	var out, errs buffer
	if code := run(t.Context(), []string{"-h"}, none, &out, &errs); code != 0 || !strings.Contains(errs.String(), "DATABASE_URL") {
		t.Errorf("exit %d: %s", code, errs.String())
	}
}

// TestServersRefused: no password is shown of those that are not there.
func TestServersRefused(t *testing.T) {
	var out, errs buffer
	env := environ("DATABASE_URL=postgres://u:hush@127.0.0.1:1/x?connect_timeout=2")
	require.Equal(t, 1, run(t.Context(), []string{"-users", "100", "-before", "1s"}, env, &out, &errs))
	require.Contains(t, errs.String(), "PostgreSQL at 127.0.0.1:1")
	require.NotContains(t, errs.String(), "hush")
}

// TestMeasure is the whole run, small. It judges what is right, and leaves what is fast to a machine with time for it.
// With DATABASE_URL and REDIS_URL it runs over those.
func TestMeasure(t *testing.T) {
	var out, errs buffer
	args := strings.Fields("-origin real -users 200 -warm 50 -before 1s -requests 600 -rate 200 -workers 8 -json")
	code := run(t.Context(), args, os.Getenv, &out, &errs)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var r struct {
		Passed bool
		Before struct{ Requests int }
		After  struct{ Requests int }
		Checks []struct {
			Name, Got, Target string
			OK                bool
		}
		Complaints []string
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &r); err != nil {
		t.Fatalf("the last line is no JSON: %v\n%s%s", err, out.String(), errs.String())
	}
	if r.Passed != (code == 0) || r.Before.Requests == 0 || r.After.Requests != 600 || len(r.Checks) != 12 {
		t.Errorf("exit %d: %+v", code, r)
	}
	for _, c := range r.Checks {
		timing := strings.HasPrefix(c.Name, "feed ") || strings.HasSuffix(c.Name, " p99")
		if !c.OK && !timing {
			t.Errorf("%s: %s, want %s; %q", c.Name, c.Got, c.Target, r.Complaints)
		}
	}
}

// buffer is written by the server and read by the test.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// TestAddressInUse: what cannot be listened on is named.
func TestAddressInUse(t *testing.T) {
	var out, errs buffer
	args := strings.Fields("-serve -addr 203.0.113.1:1 -users 100 -origin real")
	if code := run(t.Context(), args, none, &out, &errs); code != 1 || !strings.Contains(errs.String(), "-addr") {
		t.Errorf("exit %d: %s", code, errs.String())
	}
}
