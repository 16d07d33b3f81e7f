package tiered

import (
	"context"
	"errors"
	"iter"
	"maps"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Polls is how often a Store has asked Redis who it is while the link was up.
func Polls(s *Store) uint64 { return s.link.polls.Load() }

// Rule is a fence that can be taken away.
type Rule = rule

// The rules, for tests of other packages.
const (
	RuleStamps             = ruleStamps
	RuleEpoch              = ruleEpoch
	RuleFirstBump          = ruleFirstBump
	RuleSecondBump         = ruleSecondBump
	RuleJoinByStamp        = ruleJoinByStamp
	RuleEarlyPrefixStamp   = ruleEarlyPrefixStamp
	RulePrefixStamps       = rulePrefixStamps
	RuleHold               = ruleHold
	RuleHeldNotKept        = ruleHeldNotKept
	RuleUnseenNotKept      = ruleUnseenNotKept
	RuleTaint              = ruleTaint
	RuleTaintFirst         = ruleTaintFirst
	RuleTaintGenerations   = ruleTaintGenerations
	RuleJournal            = ruleJournal
	RuleRememberFirst      = ruleRememberFirst
	RuleRecent             = ruleRecent
	RuleGate               = ruleGate
	RuleHoldsPutBack       = ruleHoldsPutBack
	RuleSequenceRaised     = ruleSequenceRaised
	RuleEpochBeforeFill    = ruleEpochBeforeFill
	RuleBumpAfterSubscribe = ruleBumpAfterSubscribe
	RuleTableBeforeTrust   = ruleTableBeforeTrust
	RuleSilence            = ruleSilence
	RuleBeats              = ruleBeats

	RulesEnd = rulesEnd
)

// Without takes a rule away until restore is called. No Store may be open at either time.
func Without(r Rule) (restore func()) {
	without |= r
	return func() { without &^= r }
}

// scripts are all scripts by what they are for.
var scripts = map[string]**redis.Script{
	"lease": &scriptLease, "fill": &scriptFill, "renew": &scriptRenew, "abandon": &scriptAbandon, "claim": &scriptClaim,
	"invalidate": &scriptInvalidate, "expire": &scriptExpire, "set": &scriptSet, "hold": &scriptHold,
	"release": &scriptRelease, "prefix": &scriptPrefix, "raise": &scriptRaise,
}

// Scripts are the names of all scripts.
func Scripts() iter.Seq[string] { return maps.Keys(scripts) }

// Rewrite replaces a text in a script until restore is called. No Store may be open at either time.
func Rewrite(name, from, to string) (restore func(), err error) {
	old := *scripts[name]
	source := Source(name)
	if strings.Count(source, from) != 1 {
		return nil, errors.New("the script " + name + " does not say once: " + from)
	}
	*scripts[name] = redis.NewScript(strings.Replace(source, from, to, 1))
	return func() { *scripts[name] = old }, nil
}

// ScriptName tells which script a command runs: "" for none.
func ScriptName(cmd redis.Cmder) string {
	args := cmd.Args()
	if len(args) < 2 || cmd.Name() != "evalsha" && cmd.Name() != "eval" {
		return ""
	}
	hash, _ := args[1].(string)
	if cmd.Name() == "eval" {
		hash = redis.NewScript(hash).Hash()
	}
	for name, script := range scripts {
		if (*script).Hash() == hash {
			return name
		}
	}
	return ""
}

// Source is the text of a script.
func Source(name string) string {
	var s source
	(*scripts[name]).Eval(context.Background(), &s, nil)
	return s.text
}

// source is a Scripter that takes down what it is to execute, and can do nothing else.
type source struct {
	redis.Scripter
	text string
}

func (s *source) Eval(ctx context.Context, script string, _ []string, _ ...any) *redis.Cmd {
	s.text = script
	return redis.NewCmd(ctx)
}
