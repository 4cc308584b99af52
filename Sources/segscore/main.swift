print("segscore")
