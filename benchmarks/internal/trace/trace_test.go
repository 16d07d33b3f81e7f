package trace

import (
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func write(t *testing.T, file string, data ...byte) {
	t.Helper()
	f, err := os.Create(file)
	require.NoError(t, err)
	z := gzip.NewWriter(f)
	_, err = z.Write(data)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	require.NoError(t, f.Close())
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	none, err := Read(dir)
	require.NoError(t, err)
	require.Empty(t, none)

	write(t, filepath.Join(dir, "shop.u32le.gz"), 1, 0, 0, 0, 2, 1, 0, 0, 1, 0, 0, 0)
	all, err := Read(dir)
	require.NoError(t, err)
	require.Equal(t, []Trace{{"shop", []uint32{1, 258, 1}, 2}}, all)
	require.Equal(t, Trace{"shop", []uint32{1}, 1}, all[0].First(1))
	require.Equal(t, all[0], all[0].First(9))

	write(t, filepath.Join(dir, "torn.u32le.gz"), 1, 0, 0)
	_, err = Read(dir)
	require.ErrorContains(t, err, "torn")
}

func TestZipfIsTheSameEverywhere(t *testing.T) {
	require.Equal(t, Zipf(1000, 100), Zipf(1000, 100))
}
