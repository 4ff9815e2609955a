// Run a small bot with grammY. BOT_TOKEN, BOT_API_URL and PICTURE are its settings.
const { Bot, InlineKeyboard, InputFile, Keyboard } = require("grammy");

const bot = new Bot(process.env.BOT_TOKEN, { client: { apiRoot: process.env.BOT_API_URL } });

bot.command("start", (ctx) =>
  ctx.reply("Hello", { reply_markup: new InlineKeyboard().text("Edit", "edit") }),
);
bot.callbackQuery("edit", async (ctx) => {
  await ctx.answerCallbackQuery("Pressed");
  await ctx.editMessageText("Edited");
});
bot.command("keys", (ctx) =>
  ctx.reply("Choose", { reply_markup: new Keyboard().text("Yes").text("No") }),
);
bot.command("picture", (ctx) =>
  ctx.replyWithPhoto(new InputFile(process.env.PICTURE), { caption: "Picture" }),
);
bot.command("pay", (ctx) =>
  ctx.replyWithInvoice("Bread", "A loaf of bread", "loaf", "XTR", [{ label: "Bread", amount: 5 }]),
);
bot.on("pre_checkout_query", (ctx) => ctx.answerPreCheckoutQuery(true));
bot.on("message:successful_payment", (ctx) =>
  ctx.reply(`Paid ${ctx.message.successful_payment.total_amount}`),
);
bot.on("message:text", (ctx) => ctx.reply(`You said ${ctx.message.text}`));
bot.start();
