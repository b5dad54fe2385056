package main

import (
	"fmt"
	"net/http"

	"github.com/bellwether-go/notify"
)

// events are what the buttons send, to both users.
var events = map[string]func() []notify.Notification{
	"lead":    func() []notify.Notification { return []notify.Notification{lead("Northwind", "12,000 EUR")} },
	"message": func() []notify.Notification { return []notify.Notification{lunch} },
	"invoice": func() []notify.Notification { return []notify.Notification{payable(invoice)} },
	"many":    many,
	"hostile": hostile,
	"transient": func() []notify.Notification {
		return []notify.Notification{{Provider: "chats", To: both, Title: "Mia is typing…", Transient: true}}
	},
}

func (s *site) send(w http.ResponseWriter, r *http.Request) {
	made, known := events[r.PathValue("what")]
	if !known {
		http.NotFound(w, r)
		return
	}
	notifications := made()
	for _, n := range notifications {
		if _, err := s.center.Send(r.Context(), n); err != nil {
			http.Error(w, "it could not be sent", http.StatusInternalServerError)
			return
		}
	}
	if len(notifications) > 1 {
		say(w, fmt.Sprintf("%d notifications sent to ann and raj.", len(notifications)))
		return
	}
	say(w, fmt.Sprintf("“%s” sent to ann and raj.", notifications[0].Title))
}

// payable adds a button.
func payable(n notify.Notification) notify.Notification {
	n.Actions = []notify.Action{{Key: "pay", Title: "Pay now", URL: n.URL + "/pay"}}
	return n
}

// many are thirty at once, of all three sources.
func many() []notify.Notification {
	var all []notify.Notification
	for i := range 10 {
		all = append(all,
			lead(fmt.Sprintf("Customer %d", i+1), fmt.Sprintf("%d,000 EUR", i+1)),
			notify.Notification{Provider: "chats", To: both, Title: fmt.Sprintf("Tom: message %d", i+1), URL: "/chats/tom"},
			notify.Notification{Provider: "billing", To: both, Title: fmt.Sprintf("Receipt %d", i+1), URL: fmt.Sprintf("/receipts/%d", i+1)})
	}
	return all
}

// hostile are titles that mean no good. All of them are shown as what they are:
// text.
func hostile() []notify.Notification {
	var all []notify.Notification
	for _, title := range []string{
		`<img src=x onerror="alert(1)"><script>alert(2)</script>`,
		"invoice\u202egnp.exe turns the direction of what follows",
		"Averylongwordwithoutanyspace" + fmt.Sprintf("%0150d", 0),
		`"><a href="javascript:alert(3)">Click</a>`,
	} {
		all = append(all, notify.Notification{Provider: "chats", To: both, Title: title, Body: title, URL: "/chats/eve"})
	}
	return all
}
