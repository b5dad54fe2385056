package mobile

import "github.com/bellwether-go/notify"

// applePayload is what an Apple device gets.
type applePayload struct {
	Aps aps `json:"aps"`
	*content
}

type aps struct {
	Alert             *alert `json:"alert,omitempty"`
	Badge             int    `json:"badge"`
	Sound             string `json:"sound,omitempty"`
	Thread            string `json:"thread-id,omitempty"`
	InterruptionLevel string `json:"interruption-level"`
	MutableContent    int    `json:"mutable-content,omitempty"`
}

type alert struct {
	Title string `json:"title"`
	Body  string `json:"body,omitempty"`
}

// aps is all but the texts.
func (p push) aps() aps {
	a := aps{Badge: p.badge, Thread: p.thread, InterruptionLevel: "active"}
	switch {
	case p.quiet:
		a.InterruptionLevel = "passive"
	case p.priority > notify.Normal:
		a.InterruptionLevel = "time-sensitive"
	}
	if !p.quiet {
		a.Sound = "default"
	}
	if p.content.Icon != "" {
		a.MutableContent = 1 // lets the app fetch and show it
	}
	return a
}

func (p push) apple() any {
	a := p.aps()
	a.Alert = &alert{p.title, p.body}
	return applePayload{a, &p.content}
}

func (p push) applePriority() string {
	if p.priority < notify.Normal {
		return "5"
	}
	return "10"
}
