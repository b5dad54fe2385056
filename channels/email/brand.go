package email

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Brand is how the letters look and who they say they are from. Every zero
// value is a default or leaves something out.
type Brand struct {
	Name    string // "" is the name in From, else its domain
	Logo    string // https URL of an image, shown 40 pixels high with Name as its alternative; "" shows Name
	Accent  string // color of buttons and links, "#1a56b0". Links get as much darker or lighter as reading needs
	URL     string // home page, behind logo or name
	Address string // postal address in the footer, which some laws ask for
	Support string // where to ask: a mail address, or an http, https or mailto URL
}

// look is a brand that was checked, with its colors worked out.
type look struct {
	Name, Logo, URL, Address, Support string

	Button, ButtonInk string
	Link, LinkOnDark  string
}

const (
	defaultAccent = "#1a56b0"
	readable      = 4.5 // contrast of text (WCAG 2.2, level AA)
	bright        = 7   // on dark ground thin text needs more to look the same
)

// What the templates are painted with, as far as a brand's colors depend on it.
var (
	black, white = color{}, color{255, 255, 255}
	paper        = color{0xf2, 0xf4, 0xf6} // the page, light; links stand on it in the footer
	cardOnDark   = color{0x1f, 0x24, 0x28} // the letter, dark
)

func (b Brand) settle(name string) (look, error) {
	var l look
	for field, text := range map[string]string{"Name": b.Name, "Address": b.Address} {
		if badText(text) {
			return look{}, invalid("Brand."+field, "has a NUL or is not UTF-8")
		}
	}
	l.Name, l.Address = shorten(oneLine(b.Name), 60), shorten(oneLine(b.Address), 300)
	if l.Name == "" {
		l.Name = name
	}
	var err error
	if l.Logo, err = checkLink("Brand.Logo", b.Logo); err != nil {
		return look{}, err
	}
	if l.Logo != "" && !strings.HasPrefix(l.Logo, "https://") {
		return look{}, invalid("Brand.Logo", "must be an https URL")
	}
	if l.URL, err = checkLink("Brand.URL", b.URL); err != nil {
		return look{}, err
	}
	support := b.Support
	if address, err := normalAddress("Brand.Support", support); err == nil {
		support = "mailto:" + address
	}
	if l.Support, err = checkLink("Brand.Support", support); err != nil {
		return look{}, err
	}
	accent, err := parseColor(b.Accent)
	if err != nil {
		return look{}, invalid("Brand.Accent", "%v", err)
	}
	l.Button, l.ButtonInk = accent.String(), white.String()
	if contrast(accent, white) < readable {
		l.ButtonInk = black.String()
	}
	l.Link = legible(accent, paper, black, readable).String()
	l.LinkOnDark = legible(accent, cardOnDark, white, bright).String()
	return l, nil
}

// color is red, green and blue, 0 to 255 each.
type color [3]float64

func parseColor(s string) (color, error) {
	if s == "" {
		s = defaultAccent
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(s, "#"), 16, 24)
	if err != nil || len(s) != 7 || s[0] != '#' {
		return color{}, fmt.Errorf("must be a color like %s", defaultAccent)
	}
	return color{float64(n >> 16), float64(n >> 8 & 255), float64(n & 255)}, nil
}

// String is the form of HTML: "#1a56b0".
func (c color) String() string {
	return fmt.Sprintf("#%02x%02x%02x", int(c[0]), int(c[1]), int(c[2]))
}

// legible moves a color towards another until it stands out from the ground.
func legible(c, ground, towards color, enough float64) color {
	for step := range 21 {
		var mixed color
		for i := range c {
			mixed[i] = math.Round(c[i] + (towards[i]-c[i])*float64(step)/20)
		}
		if contrast(mixed, ground) >= enough {
			return mixed
		}
	}
	return towards
}

// contrast is the ratio of WCAG 2.2, from 1 to 21.
func contrast(a, b color) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func (c color) luminance() float64 {
	linear := func(v float64) float64 {
		if v /= 255; v > 0.04045 {
			return math.Pow((v+0.055)/1.055, 2.4)
		}
		return v / 12.92
	}
	return 0.2126*linear(c[0]) + 0.7152*linear(c[1]) + 0.0722*linear(c[2])
}
