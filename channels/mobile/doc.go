// Package mobile is the channel to phones and tablets: Firebase Cloud Messaging
// (its HTTP v1 interface) and the Apple Push Notification service (its HTTP/2
// interface), told apart by the platform in the Meta of an address, see
// [Device].
//
// # What arrives
//
// Title and body as an alert, with sound unless the priority is low. The body
// is followed by the rows, one per line. Beside them are these keys, all with
// text as their value, for the app:
//
//	v                "1", the version of this list
//	id               the item: what [notify.Inbox] is asked for and marks
//	notification_id  the notification
//	provider         its source
//	link             what to open: the notification's URL, or the inbox
//	badge            how many items are unread
//	icon             the URL of an image; absent if there is none
//
// The number on the icon is the same as badge and absolute, so that a push that
// got lost is made up for by the next one. Pushes of one item replace each
// other on the screen: collapse id and tag are the item's id. A notification
// with a CollapseKey also replaces what still waits for a device that is off.
// Pushes with the same Entity, or else of the same provider, form a group.
//
// The priorities become apns-priority 5 and the interruption level passive for
// Low, 10 and active for Normal, 10 and time-sensitive for High. On Android Low
// is normal, and Normal and High are high.
//
// Nothing is longer than the 4,096 bytes that both services take: the body is
// shortened, then icon and group left out, then the title shortened; id and
// link are always whole.
//
// # What is promised
//
// A push counts as delivered when the service has accepted it; whether the
// device shows it is not known. A push whose outcome is unknown is repeated
// with the same apns-id, collapse id and tag, so that a device shows it once.
//
// # When an address is dropped
//
// Only on proof that the token is dead: UNREGISTERED from Firebase, and from
// Apple 410 with an instant after the registration. Answers that a mix-up of
// apps or environments would give for every token (BadDeviceToken,
// DeviceTokenNotForTopic, INVALID_ARGUMENT about the token) count only while
// other tokens of that app are accepted. A failure never drops an address.
package mobile
