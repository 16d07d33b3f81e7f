package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/examples/social/internal/service"
)

func TestProgress(t *testing.T) {
	steps := []service.Warming{
		{Cache: "users", Step: 1, Steps: 2, Done: 100, Keys: 200},
		{Cache: "users", Step: 1, Steps: 2, Done: 200, Keys: 200},
		{Cache: "roles", Step: 2, Steps: 2, Done: 200, Keys: 200, Failed: 3},
	}
	var lines, bar bytes.Buffer
	plain, drawn := newProgress(&lines), newProgress(&bar)
	require.False(t, plain.bar, "that is no terminal")
	drawn.bar = true
	for _, s := range steps {
		plain.show(s)
		drawn.show(s)
	}
	all := strings.Split(strings.TrimSpace(lines.String()), "\n")
	require.Len(t, all, 2, "a line for each cache")
	require.Contains(t, all[0], "pre-warmed 1/2: users, 200 keys, after ")
	require.Contains(t, all[1], "pre-warmed 2/2: roles, 200 keys, 3 failed, after ")
	require.Contains(t, bar.String(), "\r\x1b[Kpre-warming 1/2 [###############---------------] users, 100 of 200\r")
	drawn.end()
	require.True(t, strings.HasSuffix(bar.String(), "] roles, 200 of 200, 3 failed\n"))
	drawn.show(steps[0])
	drawn.end() // cut off
	require.True(t, strings.HasSuffix(bar.String(), "100 of 200\n"))
}
