// Run a small bot with Telegraf. BOT_TOKEN, BOT_API_URL and PICTURE are its settings.
const { Markup, Telegraf } = require("telegraf");

const bot = new Telegraf(process.env.BOT_TOKEN, { telegram: { apiRoot: process.env.BOT_API_URL } });

bot.start((ctx) => ctx.reply("Hello", Markup.inlineKeyboard([Markup.button.callback("Edit", "edit")])));
bot.action("edit", async (ctx) => {
  await ctx.answerCbQuery("Pressed");
  await ctx.editMessageText("Edited");
});
bot.command("keys", (ctx) => ctx.reply("Choose", Markup.keyboard([["Yes", "No"]])));
bot.command("picture", (ctx) =>
  ctx.replyWithPhoto({ source: process.env.PICTURE }, { caption: "Picture" }),
);
bot.command("pay", (ctx) =>
  ctx.replyWithInvoice({
    title: "Bread",
    description: "A loaf of bread",
    payload: "loaf",
    provider_token: "",
    currency: "XTR",
    prices: [{ label: "Bread", amount: 5 }],
  }),
);
bot.on("pre_checkout_query", (ctx) => ctx.answerPreCheckoutQuery(true));
bot.on("successful_payment", (ctx) =>
  ctx.reply(`Paid ${ctx.message.successful_payment.total_amount}`),
);
bot.on("text", (ctx) => ctx.reply(`You said ${ctx.message.text}`));
bot.launch();
