package main

func Example() {
	main()
	// Output:
	// beep, ann: Invoice 17 is due
	// 1 unread: Invoice 17 is due
}
