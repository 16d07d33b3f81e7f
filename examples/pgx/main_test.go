package main

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The example checks itself. It needs a PostgreSQL, which CI has.
func TestRun(t *testing.T) {
	var out strings.Builder
	err := run(t.Context(), &out)
	if errors.Is(err, errNoPostgres) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	require.NoError(t, err, out.String())
	require.Contains(t, out.String(), "100 users, none of them cached                     1 queries")
}

func TestAMalformedURLIsNotRepeated(t *testing.T) {
	t.Setenv("DATABASE_URL", "postgres://ada:secret@localhost:notaport/x")
	err := run(t.Context(), new(strings.Builder))
	require.ErrorContains(t, err, "DATABASE_URL is malformed")
	require.NotContains(t, err.Error(), "secret")
}
