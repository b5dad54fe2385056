// Package ui holds the elements and pages of the notification center: plain
// ECMAScript modules without dependencies and without a build step. The host
// serves them by [notifyhttp.Handler]; nobody needs to call this package.
//
// The modules in assets are what a developer reads. For the browser they are
// joined into two, when the program starts: one with the bell, which is all that
// a page needs at first, and one with what is behind it. Their addresses hold a
// hash of all assets, so that a browser may keep them for ever.
//
// [notifyhttp.Handler]: https://pkg.go.dev/github.com/bellwether-go/notify/notifyhttp#Handler
package ui
