// Package cachetest is for the tests of programs that use a cache: a database that counts its loads ([Source]), a Redis
// inside the process that fails when it is told to ([Redis]), and what a memory engine or a codec of one's own must
// pass ([TestEngine], [TestCodec]).
//
// All of it works inside a testing/synctest bubble, where time is fake: no socket is opened, keys expire with the
// bubble's clock, and all goroutines end with the test. [Pass] lets time pass there.
//
//	synctest.Test(t, func(t *testing.T) {
//		db := cachetest.NewSource(map[int]string{42: "Ada"})
//		node := cachetest.NewRedis(t).Node(t)
//		users, _ := cache.New(db.Load, cache.Options{Store: node.Store, Name: "users"})
//		node.Down()                        // Redis is gone,
//		name, err := users.Get(ctx, 42)    // and nobody notices
//		db.RequireLoads(t, 1, 42)
//	})
//
// # Dependencies
//
// The package is part of the library's own module, although it needs miniredis and testing: a package costs those who
// import it, and test files alone do. A program's binary has nothing of it, nor does anything else of this library
// import it, and the module's requirements do not grow by it, since the library tests itself with the same miniredis. It
// uses no assertion library, so that it does not choose one for its users.
package cachetest
