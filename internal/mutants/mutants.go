package main

// mutant is a defect that the tests must notice.
type mutant struct {
	name     string // the defect
	file     string
	old, new string
	killers  []suite // each must fail
}

var mutants = []mutant{
	{
		"a lease of an older epoch counts (memory)", "store/memory/claim.go",
		`t == nil || t.Epoch != l.Epoch || t.lease.IsZero()`, `t == nil || t.lease.IsZero()`,
		[]suite{contract("lease"), simulation},
	},
	{
		"a lease of an older epoch counts (SQL)", "internal/sqlstore/task.go",
		`ok && k.Epoch == l.Epoch && k.leasedUntil != 0`, `ok && k.leasedUntil != 0`,
		[]suite{sqlite("lease"), model},
	},
	{
		"an expired lease is nobody's for ever", "store/memory/claim.go",
		`if !ok || t.lease.After(now) {`, `if true || !ok || t.lease.After(now) {`,
		[]suite{contract("lease|claim")},
	},
	{
		"a retry has a new identity", "deliver.go",
		`ID: w.task.ID, Attempt: w.attemptNumber(),`, `ID: s.n.ids.next(), Attempt: w.attemptNumber(),`,
		[]suite{root("TestUnknown_"), simulation},
	},
	{
		"work is handed over before its commit", "gather.go",
		`	batch := n.resolve(ctx, group)
`, `	batch := n.resolve(ctx, group)
	for i := range batch {
		n.handOver(ctx, time.Now(), group[0].filer.filed(batch[i].ID, batch[i].Notification, time.Now()), batch[i].Filings)
	}
`,
		[]suite{simulation},
	},
	{
		"what this process has changed itself is not seen", "changes.go",
		`if c.count.Load() == mark {`, `if true || c.count.Load() == mark {`,
		[]suite{root("TestHandOver_")},
	},
	{
		"what was read about a delivery is believed for ever", "facts.go",
		`time.Since(w.prepared) <= freshFor &&`, ``,
		[]suite{root("TestHandOver_")},
	},
	{
		"a filing that a tombstone dropped counts as filed", "store/memory/accept.go",
		`whole = s.file(n, f, now) && whole`, `_ = s.file(n, f, now)`,
		[]suite{contract("erase"), root("TestHandOver_")},
	},
	{
		"two cuts on one local date", "schedule.go",
		`localDay(cut, loc) > localDay(lastCut, loc) && cut.Sub(lastCut)`, `cut.Sub(lastCut)`,
		[]suite{root("TestDailyAt|TestNextCut"), simulation},
	},
	{
		"a gap in the clock is not searched through", "schedule.go",
		`		at = max(at, wall-int64(offset))
`, `		at = wall - int64(offset)
`,
		[]suite{root("TestDailyAt")},
	},
	{
		"somebody else's address can be removed", "store/memory/addresses.go",
		`if reg == nil || reg.Recipient != who {`, `if reg == nil {`,
		[]suite{contract("addresses"), root("TestRegister_")},
	},
	{
		"somebody else's item can be marked (SQL)", "internal/sqlstore/mark.go",
		`found = append(found, []any{notification, r.Tenant, r.ID})`, `found = append(found, []any{notification, r.Tenant, "bob"})`,
		[]suite{sqlite("inbox|marks"), model},
	},
	{
		"retries have no jitter", "retry.go",
		`time.Duration(random*float64(ceiling))`, `ceiling`,
		[]suite{root("TestBackoff_")},
	},
	{
		"no heartbeat", "keeper.go",
		`if err := s.renew(); err == nil {`, `if err := error(nil); err == nil {`,
		[]suite{root("TestHeartbeat_")},
	},
	{
		"an error of the configuration burns attempts", "outcome.go",
		`o.Status, o.Reason, o.RetryIn, o.Charge = w.pendingStatus(), "paused", a.paused, false`,
		`o.Status, o.Reason, o.RetryIn = w.pendingStatus(), "paused", a.paused`,
		[]suite{root("TestMisconfigured_")},
	},
	{
		"unread items are pruned by default (memory)", "store/memory/prune.go",
		`(before(it.read, p.ReadBefore) || before(it.archived, p.ReadBefore))`, `true`,
		[]suite{contract("prune"), simulation},
	},
	{
		"unread items are pruned by default (SQL)", "internal/sqlstore/prune.go",
		`read_at <> 0 AND read_at < ?1 AND filed < ?1`, `read_at < ?1 AND filed < ?1`,
		[]suite{sqlite("prune"), model},
	},
	{
		"opting out is ignored at the attempt", "prepare.go",
		`	case optedOut(f.Profile, t.Provider, t.Channel, t.PreferencesVersion):
		return "opted out"
`, ``,
		[]suite{root("TestOptOut_"), simulation},
	},
	{
		"opting out is ignored in a digest", "digesting.go",
		`return optedOut(profile, e.Provider, w.task.Channel, e.PreferencesVersion)`, `return false`,
		[]suite{simulation},
	},
	{
		"turning on again sends the past", "prepare.go",
		`if o.Version > version && o.covers(provider, channel) {`, `if false && o.Version > version && o.covers(provider, channel) {`,
		[]suite{root("TestOptOut_"), simulation},
	},
	{
		"what was read meanwhile is sent", "prepare.go",
		`	case !f.Item.Read.IsZero():
		return "read"
`, ``,
		[]suite{root("TestRead_"), simulation},
	},
	{
		"an item at the cut belongs to today (memory)", "store/memory/digests.go",
		`			if e.filed.Before(at) {
`, `			if !e.filed.After(at) {
`,
		[]suite{contract("digest"), root("TestDigest_itemAtTheCut")},
	},
	{
		"an item at the cut belongs to today (SQL)", "internal/sqlstore/opening.go",
		`{those} AND digest = {none} AND filed < r.cut`, `{those} AND digest = {none} AND filed <= r.cut`,
		[]suite{sqlite("digest")},
	},
	{
		"a cut is opened twice", "store/memory/digests.go",
		`if !p.nextCut.Equal(stamp(o.Plan.NextCut)) || !p.lastCut.Equal(stamp(o.Plan.LastCut)) {`, `if p.nextCut.IsZero() {`,
		[]suite{contract("digest")},
	},
	{
		"a digest that may be out is opened again", "store/memory/digests.go",
		`if earlier.Unknown || !earlier.lease.IsZero() {`, `if !earlier.lease.IsZero() {`,
		[]suite{contract("digest"), root("TestDigest_thatOneAddressHas")},
	},
	{
		"Retry-After is ignored", "deliver.go",
		`	a.wait = max(a.wait, answer.RetryAfter)
`, ``,
		[]suite{root("TestRetryAfter_")},
	},
	{
		"a suppressed address is used", "prepare.go",
		`if !done && !suppressed[suppressedKey{w.task.Recipient.Tenant, t.address.Value}] {`, `if !done {`,
		[]suite{root("TestGone_"), simulation},
	},
	{
		"who has accepted gets it again", "prepare.go",
		`		done := slices.Contains(w.task.Accepted, t.identity) ||`, `		done := false &&`,
		[]suite{root("TestAddresses_|TestTwoAddresses_"), simulation},
	},
	{
		"a fan-out overtakes a withdrawal", "store/memory/fanout.go",
		`if n.withdrawn {`, `if false {`,
		[]suite{contract("withdraw|fanout"), root("TestFanOut_withdrawn")},
	},
	{
		"of two that collapse the older wins", "store/memory/filing.go",
		`case compareAccepted(it.notification, n) > 0:`, `case compareAccepted(it.notification, n) < 0:`,
		[]suite{contract("collapse"), root("TestCollapse_"), model},
	},
	{
		"counts stop at their limit without saying so", "internal/sqlstore/page.go",
		"(SELECT seen ` + unreadItems + ` LIMIT ` + strconv.Itoa(limit+1)", "(SELECT seen ` + unreadItems + ` LIMIT ` + strconv.Itoa(limit)",
		[]suite{sqlite("inbox"), model},
	},
	{
		"SQLite does not wait for the disk", "store/sqlite/dialect.go",
		`Want: full, AtLeast: true`, `Want: 1, AtLeast: true`,
		[]suite{{"internal/integration", ".", "TestSQLiteHost_writesRunAtFull"}},
	},
	{
		"a crash is no attempt", "deliver.go",
		`		lease.Charge = true
`, ``,
		[]suite{root("TestPoison_")},
	},
	{
		"a key answers whatever is sent with it", "store/memory/accept.go",
		`if first.fingerprint != a.Fingerprint {`, `if false {`,
		[]suite{contract("accept"), root("TestKey_"), model},
	},
	{
		"a call that was given up goes on", "deliver.go",
		`return w.lost || w.abandoned`, `return w.lost`,
		[]suite{root("TestAbandonedCall_"), simulation},
	},
	{
		"shutting down burns attempts", "outcome.go",
		`o.Status, o.Reason, o.Charge = w.pendingStatus(), "shutdown", false`, `o.Status, o.Reason = w.pendingStatus(), "shutdown"`,
		[]suite{root("TestShutdown_")},
	},
	{
		"erasing does not wait for what is under way", "operate.go",
		`		if !busy {
`, `		if busy || !busy {
`,
		[]suite{root("TestErase_"), simulation},
	},
	{
		"a failure never makes a destination rest", "destinations.go",
		`to.name == ""`, `to.name != ""`,
		[]suite{root("TestDestination_")},
	},
	{
		"a fan-out forgets how far it came", "store/memory/fanout.go",
		`	t.Cursor = c.Cursor
`, ``,
		[]suite{contract("fanout")},
	},
	{
		"a lost answer to the final dot counts as not sent", "channels/email/submit.go",
		`		return fail(stageEnd, err)
`, `		return fail(stageBody, err)
`,
		[]suite{mail("TestClasses")},
	},
	{
		"QUIT is said to a relay that waits for a letter", "channels/email/submit.go",
		`first.open = first.open || step.stage == stageData && a.code == 354`, `first.open = false`,
		[]suite{mail("TestThePipelinedEnvelope")},
	},
	{
		"what the relay says before TLS counts within it", "channels/email/connect.go",
		`	if s.in.Buffered() > 0 {
`, `	if false {
`,
		[]suite{mail("TestStartTLSIsRequired")},
	},
	{
		"a letter's dots are not doubled", "channels/email/submit.go",
		`			out = append(out, '.')
`, ``,
		[]suite{mail("TestLinesThatStartWithADot|TestDotsAreDoubled")},
	},
	{
		"a full mailbox is held against the relay", "channels/email/failure.go",
		`Reached:    class == notify.Temporary && f.mailbox()`, `Reached:    false`,
		[]suite{mail("TestWhetherTheRelay")},
	},
}
