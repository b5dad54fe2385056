package storetest_test

import (
	"context"
	"time"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/memory"
)

// altered is the in-memory store with methods that a broken store replaces.
type altered struct {
	accept        func(ctx context.Context, batch []notify.Acceptance) ([]notify.Receipt, error)
	withdraw      func(ctx context.Context, w notify.Withdrawal) ([]notify.ID, error)
	items         func(ctx context.Context, r notify.Recipient, q notify.ItemQuery) ([]notify.Item, error)
	counts        func(ctx context.Context, r notify.Recipient, limit int) (notify.Counts, error)
	mark          func(ctx context.Context, r notify.Recipient, m notify.ItemMark) (int, error)
	profiles      func(ctx context.Context, rs []notify.Recipient) (map[notify.Recipient]notify.Profile, error)
	saveProfile   func(ctx context.Context, r notify.Recipient, p notify.Profile) error
	register      func(ctx context.Context, reg notify.Registration, limit int) (notify.Registration, error)
	unregister    func(ctx context.Context, r notify.Recipient, id notify.ID) error
	addresses     func(ctx context.Context, rs []notify.Recipient) (map[notify.Recipient][]notify.Registration, error)
	suppress      func(ctx context.Context, sup notify.Suppression) error
	unsuppress    func(ctx context.Context, tenant, channel, address string) error
	suppressed    func(ctx context.Context, tenant string, addresses []notify.Address) ([]notify.Suppression, error)
	suppressions  func(ctx context.Context, tenant string, after notify.Address, limit int) ([]notify.Suppression, error)
	claim         func(ctx context.Context, c notify.Claim) ([]notify.Task, error)
	renew         func(ctx context.Context, leases []notify.Lease, d time.Duration) ([]notify.ID, error)
	load          func(ctx context.Context, tasks []notify.Task, countUnread int) ([]notify.Facts, time.Time, error)
	settle        func(ctx context.Context, outcomes []notify.Outcome) ([]notify.ID, error)
	fanOut        func(ctx context.Context, c notify.Chunk) (time.Time, bool, error)
	sweep         func(ctx context.Context, id notify.ID, limit int) ([]notify.Recipient, error)
	duePlans      func(ctx context.Context, channels []string, limit int) ([]notify.Plan, time.Time, error)
	openDigests   func(ctx context.Context, openings []notify.Opening) error
	digestEntries func(ctx context.Context, digest notify.Task) ([]notify.DigestEntry, error)
	pauses        func(ctx context.Context) ([]notify.Pause, error)
	setPause      func(ctx context.Context, p notify.Pause, d time.Duration) error
	probe         func(ctx context.Context, channel, account string, d time.Duration) (bool, error)
	deliveries    func(ctx context.Context, q notify.DeliveryQuery) ([]notify.DeliveryRecord, error)
	redeliver     func(ctx context.Context, ids []notify.ID) (int, error)
	stats         func(ctx context.Context) (notify.Stats, error)
	now           func(ctx context.Context) (time.Time, error)
	page          func(ctx context.Context, r notify.Recipient, q notify.ItemQuery, limit int) ([]notify.Item, notify.Counts, error)
	glance        func(ctx context.Context, rs []notify.Recipient, limit int) (map[notify.Recipient]notify.Glimpse, error)
	prune         func(ctx context.Context, p notify.Prune, limit int) (int, error)
	erase         func(ctx context.Context, r notify.Recipient) (bool, error)
	restore       func(ctx context.Context, r notify.Recipient) error
	addKey        func(ctx context.Context, k notify.IngestKey) error
	key           func(ctx context.Context, id notify.ID) (notify.IngestKey, error)
	listKeys      func(ctx context.Context, tenant string) ([]notify.IngestKey, error)
	expireKey     func(ctx context.Context, tenant string, id notify.ID, d time.Duration) error
}

var (
	_ notify.Store          = (*altered)(nil)
	_ notify.Pruner         = (*altered)(nil)
	_ notify.Eraser         = (*altered)(nil)
	_ notify.Pager          = (*altered)(nil)
	_ notify.Glancer        = (*altered)(nil)
	_ notify.IngestKeyStore = (*altered)(nil)
)

// unaltered is the store as it is.
func unaltered(m *memory.Store) *altered {
	a := &altered{
		accept:        m.Accept,
		withdraw:      m.Withdraw,
		items:         m.Items,
		counts:        m.Counts,
		mark:          m.Mark,
		profiles:      m.Profiles,
		saveProfile:   m.SaveProfile,
		register:      m.Register,
		unregister:    m.Unregister,
		addresses:     m.Addresses,
		suppress:      m.Suppress,
		unsuppress:    m.Unsuppress,
		suppressed:    m.Suppressed,
		suppressions:  m.Suppressions,
		claim:         m.Claim,
		renew:         m.Renew,
		load:          m.Load,
		settle:        m.Settle,
		fanOut:        m.FanOut,
		sweep:         m.Sweep,
		duePlans:      m.DuePlans,
		openDigests:   m.OpenDigests,
		digestEntries: m.DigestEntries,
		pauses:        m.Pauses,
		setPause:      m.SetPause,
		probe:         m.Probe,
		deliveries:    m.Deliveries,
		redeliver:     m.Redeliver,
		stats:         m.Stats,
		now:           m.Now,
		glance:        m.Glance,
		prune:         m.Prune,
		erase:         m.Erase,
		restore:       m.Restore,
		addKey:        m.AddIngestKey,
		key:           m.IngestKey,
		listKeys:      m.IngestKeys,
		expireKey:     m.ExpireIngestKey,
	}
	a.page = a.itemsAndCounts
	return a
}

// itemsAndCounts is a page, also of what is altered.
func (a *altered) itemsAndCounts(ctx context.Context, r notify.Recipient, q notify.ItemQuery, limit int) ([]notify.Item, notify.Counts, error) {
	items, err := a.items(ctx, r, q)
	if err != nil {
		return nil, notify.Counts{}, err
	}
	counts, err := a.counts(ctx, r, limit)
	return items, counts, err
}

func (a *altered) Accept(ctx context.Context, batch []notify.Acceptance) ([]notify.Receipt, error) {
	return a.accept(ctx, batch)
}

func (a *altered) Withdraw(ctx context.Context, w notify.Withdrawal) ([]notify.ID, error) {
	return a.withdraw(ctx, w)
}

func (a *altered) Items(ctx context.Context, r notify.Recipient, q notify.ItemQuery) ([]notify.Item, error) {
	return a.items(ctx, r, q)
}

func (a *altered) Counts(ctx context.Context, r notify.Recipient, limit int) (notify.Counts, error) {
	return a.counts(ctx, r, limit)
}

func (a *altered) Mark(ctx context.Context, r notify.Recipient, m notify.ItemMark) (int, error) {
	return a.mark(ctx, r, m)
}

func (a *altered) Profiles(ctx context.Context, rs []notify.Recipient) (map[notify.Recipient]notify.Profile, error) {
	return a.profiles(ctx, rs)
}

func (a *altered) SaveProfile(ctx context.Context, r notify.Recipient, p notify.Profile) error {
	return a.saveProfile(ctx, r, p)
}

func (a *altered) Register(ctx context.Context, reg notify.Registration, limit int) (notify.Registration, error) {
	return a.register(ctx, reg, limit)
}

func (a *altered) Unregister(ctx context.Context, r notify.Recipient, id notify.ID) error {
	return a.unregister(ctx, r, id)
}

func (a *altered) Addresses(ctx context.Context, rs []notify.Recipient) (map[notify.Recipient][]notify.Registration, error) {
	return a.addresses(ctx, rs)
}

func (a *altered) Suppress(ctx context.Context, sup notify.Suppression) error {
	return a.suppress(ctx, sup)
}

func (a *altered) Unsuppress(ctx context.Context, tenant, channel, address string) error {
	return a.unsuppress(ctx, tenant, channel, address)
}

func (a *altered) Suppressed(ctx context.Context, tenant string, addresses []notify.Address) ([]notify.Suppression, error) {
	return a.suppressed(ctx, tenant, addresses)
}

func (a *altered) Suppressions(ctx context.Context, tenant string, after notify.Address, limit int) ([]notify.Suppression, error) {
	return a.suppressions(ctx, tenant, after, limit)
}

func (a *altered) Claim(ctx context.Context, c notify.Claim) ([]notify.Task, error) {
	return a.claim(ctx, c)
}

func (a *altered) Renew(ctx context.Context, leases []notify.Lease, d time.Duration) ([]notify.ID, error) {
	return a.renew(ctx, leases, d)
}

func (a *altered) Load(ctx context.Context, tasks []notify.Task, countUnread int) ([]notify.Facts, time.Time, error) {
	return a.load(ctx, tasks, countUnread)
}

func (a *altered) Settle(ctx context.Context, outcomes []notify.Outcome) ([]notify.ID, error) {
	return a.settle(ctx, outcomes)
}

func (a *altered) FanOut(ctx context.Context, c notify.Chunk) (time.Time, bool, error) {
	return a.fanOut(ctx, c)
}

func (a *altered) Sweep(ctx context.Context, id notify.ID, limit int) ([]notify.Recipient, error) {
	return a.sweep(ctx, id, limit)
}

func (a *altered) DuePlans(ctx context.Context, channels []string, limit int) ([]notify.Plan, time.Time, error) {
	return a.duePlans(ctx, channels, limit)
}

func (a *altered) OpenDigests(ctx context.Context, openings []notify.Opening) error {
	return a.openDigests(ctx, openings)
}

func (a *altered) DigestEntries(ctx context.Context, digest notify.Task) ([]notify.DigestEntry, error) {
	return a.digestEntries(ctx, digest)
}

func (a *altered) Pauses(ctx context.Context) ([]notify.Pause, error) {
	return a.pauses(ctx)
}

func (a *altered) SetPause(ctx context.Context, p notify.Pause, d time.Duration) error {
	return a.setPause(ctx, p, d)
}

func (a *altered) Probe(ctx context.Context, channel, account string, d time.Duration) (bool, error) {
	return a.probe(ctx, channel, account, d)
}

func (a *altered) Deliveries(ctx context.Context, q notify.DeliveryQuery) ([]notify.DeliveryRecord, error) {
	return a.deliveries(ctx, q)
}

func (a *altered) Redeliver(ctx context.Context, ids []notify.ID) (int, error) {
	return a.redeliver(ctx, ids)
}

func (a *altered) Stats(ctx context.Context) (notify.Stats, error) {
	return a.stats(ctx)
}

func (a *altered) Now(ctx context.Context) (time.Time, error) {
	return a.now(ctx)
}

func (a *altered) Page(ctx context.Context, r notify.Recipient, q notify.ItemQuery, limit int) ([]notify.Item, notify.Counts, error) {
	return a.page(ctx, r, q, limit)
}

func (a *altered) Glance(ctx context.Context, rs []notify.Recipient, limit int) (map[notify.Recipient]notify.Glimpse, error) {
	return a.glance(ctx, rs, limit)
}

func (a *altered) Prune(ctx context.Context, p notify.Prune, limit int) (int, error) {
	return a.prune(ctx, p, limit)
}

func (a *altered) Erase(ctx context.Context, r notify.Recipient) (bool, error) {
	return a.erase(ctx, r)
}

func (a *altered) Restore(ctx context.Context, r notify.Recipient) error {
	return a.restore(ctx, r)
}

func (a *altered) AddIngestKey(ctx context.Context, k notify.IngestKey) error {
	return a.addKey(ctx, k)
}

func (a *altered) IngestKey(ctx context.Context, id notify.ID) (notify.IngestKey, error) {
	return a.key(ctx, id)
}

func (a *altered) IngestKeys(ctx context.Context, tenant string) ([]notify.IngestKey, error) {
	return a.listKeys(ctx, tenant)
}

func (a *altered) ExpireIngestKey(ctx context.Context, tenant string, id notify.ID, d time.Duration) error {
	return a.expireKey(ctx, tenant, id, d)
}
