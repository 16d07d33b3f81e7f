package load

import (
	"cmp"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
)

// Users are the users behind the requests, in the order of their requests, with ids from 1 without gaps.
type Users struct {
	IDs   []int64 // one for each request
	Count int     // how many different users there are
	From  string  // for people
}

// zipfExponent is of the default order: the hottest of ten thousand users make a tenth of all requests.
const zipfExponent = 1.05

// Zipf draws n requests of some users: the first is the hottest.
func Zipf(n, users int, seed uint64) Users {
	z := rand.NewZipf(rand.New(rand.NewPCG(seed, 1)), zipfExponent, 8, uint64(users-1))
	u := Users{IDs: make([]int64, n), Count: users, From: fmt.Sprintf("zipf %.2f over %d users", zipfExponent, users)}
	for i := range u.IDs {
		u.IDs[i] = int64(z.Uint64()) + 1
	}
	return u
}

// Trace reads the first n requests of a recorded trace: gzip over one little-endian uint32 per request. Its keys become
// users in the order of their first request.
func Trace(path string, n int) (u Users, err error) {
	f, err := os.Open(path)
	if err != nil {
		return Users{}, err // names the path
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	z, err := gzip.NewReader(f)
	if err != nil {
		return Users{}, fmt.Errorf("%s: %w", path, err)
	}
	raw := make([]byte, 4*n)
	read, err := io.ReadFull(z, raw)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return Users{}, fmt.Errorf("%s: has %d requests, %d are wanted", path, read/4, n)
	case err != nil:
		return Users{}, fmt.Errorf("%s: %w", path, err)
	}
	ids := map[uint32]int64{}
	u = Users{IDs: make([]int64, n)}
	for i := range u.IDs {
		key := binary.LittleEndian.Uint32(raw[4*i:])
		if ids[key] == 0 {
			ids[key] = int64(len(ids)) + 1
		}
		u.IDs[i] = ids[key]
	}
	u.Count = max(len(ids), 100) // a population needs some writers
	u.From = fmt.Sprintf("trace of %d requests by %d users", n, len(ids))
	return u, nil
}

// Hottest returns the n users with the most requests.
func (u Users) Hottest(n int) []int64 {
	requests := map[int64]int{}
	for _, id := range u.IDs {
		requests[id]++
	}
	ids := make([]int64, 0, len(requests))
	for id := range requests {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b int64) int { return cmp.Or(requests[b]-requests[a], int(a-b)) })
	return ids[:min(n, len(ids))]
}
