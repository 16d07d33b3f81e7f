package scenario

var structHits = Scenario{
	ID: "S3", Title: "A hit in Redis of a struct",
	Note: "Fifteen fields, each library's default codec: the decoding costs more than the shared round trip.",
	Bouts: func(l *Lab) []Bout {
		b := Bout{Name: "StructHit", Case: "fields=15/callers=512"}
		for _, lib := range []string{freshetRedis, "go-redis-cache"} {
			b.Entrants = append(b.Entrants, redisEntrant(lib, 512, newUser, l.Keys))
		}
		b.Targets = []Target{atLeastTimes(4, freshetRedis, OpsPerS, "go-redis-cache")}
		return []Bout{b}
	},
}
