package main

func Example() {
	main()
	// Output:
	// first process:
	//   Ben answered you (unread)
	//   Invoice 17 is due (unread)
	// second process:
	//   Ben answered you (read)
	//   Invoice 17 is due (unread)
	//   beep: Invoice 17 is due
}
