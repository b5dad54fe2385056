// Package notify is a notification center that a Go program embeds: it keeps
// an inbox per recipient, and delivers by the channels that each recipient
// chose, at once or in a daily digest of what is still unread. It needs a store
// and nothing else: no service, no broker.
//
// # Sending
//
// A [Notifier] is made by [New] from a store; see the packages under store.
// Everything is sent in one format, the [Notification], by
// [Notifier.Send], or by [Notifier.SendTx] inside a transaction of the host's
// own database. When Send returns without an error, the notifications are
// stored as durably as the store promises, and those to a handful of recipients
// are in their inboxes. [Notification].Key makes sending repeatable without
// duplicates, CollapseKey lets the newest of a kind replace the others, and
// [Notifier.Withdraw] takes back by Key or Entity.
//
// Nothing leaves by a channel unless [Notifier.Run] is at work, or
// [Notifier.Drain] is called: [New] starts no goroutine. Run blocks until its
// context ends; Drain does what is due and returns, which suits tests, cron and
// command lines.
//
// # Reading
//
// [Notifier.Inbox] is the interface, the one channel that is always there and
// that nobody can switch off. Its pages, counts and marks are scoped to their
// recipient.
//
// # Preferences
//
// What a recipient chose is one document, [Preferences]: a master switch, an
// order of providers, a mode per channel, and a mode for each cell of provider
// and channel. What is not chosen follows the defaults of the [Provider], then
// those of [Options], also when these change later. [Notifier.Settings] shows
// what a settings page needs, and [Notifier.Explain] tells for a notification
// which rule decides on each channel, without sending it.
//
// # The daily digest
//
// A [DigestChannel] offers the mode [Daily]. What is sent to it waits for the
// recipient's next cut, by default 18:00 in the recipient's own time zone.
// There the unread of the window since the previous cut become one [Digest];
// when nothing is unread, there is none. The letter is built anew at each
// attempt, so that what was read in between is not in it.
//
// # What is promised
//
// The inbox holds every notification exactly once. Other channels deliver at
// least once: a duplicate is possible only after a crash, a lost lease or an
// unknown outcome, and then it carries the same identity, so that the peer can
// drop it. Temporary failures are tried again under a [RetryPolicy]; what is
// given up stays on record, see [Notifier.Deliveries] and [Notifier.Redeliver].
// Several processes may work on one store.
//
// # Extending
//
// A way out is a [Channel], two methods, with optional upgrades next to it in
// channel.go; package channeltest proves one. A [Store] is a sum of small roles
// in store.go; package storetest proves one. [Directory], [Catalog],
// [Audience], [Resolver], [Schedule], [RetryPolicy] and [Bus] are the host's
// other hooks, each with a default in [Options].
package notify
