module adze

go 1.19
