//go:build race

package cachetest

const raceEnabled = true // the detector allocates
